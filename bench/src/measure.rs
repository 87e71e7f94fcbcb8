//! One number of each kind, of one subject in one scenario.

use std::time::Duration;

use serde::Serialize;

/// What a subject did in a scenario.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// The scenario, in a word or two.
    pub scenario: &'static str,
    /// The subject.
    pub subject: String,
    /// Open streams.
    pub connections: usize,
    /// What was counted: deliveries, or cycles of a connection.
    pub count: u64,
    /// CPU time per one of them, in microseconds; absent where the server is another machine's.
    pub cpu_us: Option<f64>,
    /// How many a second, where as many were sent as would go.
    pub per_second: Option<f64>,
    /// Microseconds from the command to the arrival, half of them and 99 of 100.
    pub latency_us: Option<(f64, f64)>,
    /// Memory per connection in KiB: user space.
    pub kib: Option<f64>,
    /// Events that were missing, repeated or out of order.
    pub wrong: u64,
}

impl Measured {
    /// Nothing yet.
    pub fn new(scenario: &'static str, subject: &str, connections: usize) -> Self {
        Self {
            scenario,
            subject: subject.to_owned(),
            connections,
            count: 0,
            cpu_us: None,
            per_second: None,
            latency_us: None,
            kib: None,
            wrong: 0,
        }
    }
}

/// Durations of many of the same.
#[derive(Debug, Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// One more.
    pub fn add(&mut self, latency: Duration) {
        self.0.push(latency);
    }

    /// Half and 99 of 100 of them are at most this, in microseconds.
    pub fn summary(&mut self) -> Option<(f64, f64)> {
        self.0.sort_unstable();
        let at = |share: f64| {
            let last = self.0.len().checked_sub(1)?;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index")]
            let index = (last as f64 * share).round() as usize;
            Some(self.0[index].as_secs_f64() * 1e6)
        };
        Some((at(0.5)?, at(0.99)?))
    }
}

/// `part` of `count`, in microseconds each.
#[expect(clippy::cast_precision_loss, reason = "a ratio")]
pub fn micros_each(part: Duration, count: u64) -> f64 {
    part.as_secs_f64() * 1e6 / count.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ninety_nine_of_a_hundred_latencies_are_at_most_the_second_number() {
        let mut latencies = Latencies::default();
        (1..=101).rev().for_each(|n| latencies.add(Duration::from_micros(n)));
        assert_eq!(latencies.summary(), Some((51.0, 100.0)));
        assert_eq!(Latencies::default().summary(), None);
    }
}
