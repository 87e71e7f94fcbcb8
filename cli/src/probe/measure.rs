//! What a probe has measured so far.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

/// Latencies kept for the quantiles: the newest, a few hours of one each second. 8 bytes each.
const LATENCIES_KEPT: usize = 10_000;

/// Counters, latencies, and what is on its way.
#[derive(Debug)]
pub(crate) struct Measured {
    /// From the first attempt to hello.
    pub(crate) connect: Duration,
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) lost: u64,
    pub(crate) gaps: u64,
    pub(crate) reconnects: u64,
    pub(crate) failures: u64,
    /// The sum of all latencies.
    pub(crate) total: Duration,
    published: u64,
    last_failure: Option<String>,
    last_gap: Option<&'static str>,
    latencies: VecDeque<Duration>,
    slowest: Option<Duration>,
    /// When each event that has not arrived was sent.
    underway: BTreeMap<u64, Instant>,
}

impl Measured {
    pub(crate) const fn new(connect: Duration) -> Self {
        Self {
            connect,
            sent: 0,
            received: 0,
            lost: 0,
            gaps: 0,
            reconnects: 0,
            failures: 0,
            total: Duration::ZERO,
            published: 0,
            last_failure: None,
            last_gap: None,
            latencies: VecDeque::new(),
            slowest: None,
            underway: BTreeMap::new(),
        }
    }

    /// An event is on its way; its number.
    pub(crate) fn send(&mut self) -> u64 {
        self.sent += 1;
        self.underway.insert(self.sent, Instant::now());
        self.sent
    }

    /// It has arrived. One that counted as lost stays so: it was too late.
    pub(crate) fn receive(&mut self, number: u64) {
        let Some(sent) = self.underway.remove(&number) else { return };
        let latency = sent.elapsed();
        self.received += 1;
        self.total += latency;
        self.slowest = self.slowest.max(Some(latency));
        if self.latencies.len() == LATENCIES_KEPT {
            self.latencies.pop_front();
        }
        self.latencies.push_back(latency);
    }

    /// What has been on its way for longer than `after` is lost.
    pub(crate) fn lose(&mut self, after: Duration) {
        let before = self.underway.len();
        self.underway.retain(|_, sent| sent.elapsed() < after);
        self.lost += (before - self.underway.len()) as u64;
    }

    pub(crate) fn underway(&self) -> usize {
        self.underway.len()
    }

    pub(crate) const fn note_published(&mut self) {
        self.published += 1;
    }

    /// Events that the server has committed.
    pub(crate) const fn published(&self) -> u64 {
        self.published
    }

    pub(crate) fn note_failure(&mut self, reason: String) {
        self.failures += 1;
        self.last_failure = Some(reason);
    }

    pub(crate) const fn note_gap(&mut self, reason: &'static str) {
        self.gaps += 1;
        self.last_gap = Some(reason);
    }

    pub(crate) const fn note_outage(&mut self) {
        self.reconnects += 1;
    }

    pub(crate) const fn slowest(&self) -> Option<Duration> {
        self.slowest
    }

    /// The latencies below which each of `shares` of the newest events lie; `None` where there is none.
    pub(crate) fn quantiles<const N: usize>(&self, shares: [f64; N]) -> Option<[Duration; N]> {
        let mut sorted: Vec<_> = self.latencies.iter().copied().collect();
        sorted.sort_unstable();
        let last = sorted.len().checked_sub(1)?;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of at most 10,000"
        )]
        Some(shares.map(|share| sorted[((last as f64) * share).round() as usize]))
    }

    /// What went wrong, whatever the thresholds.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.lost > 0 {
            faults.push(format!("{} of {} events did not arrive", self.lost, self.sent));
        }
        if let Some(reason) = self.last_gap {
            faults.push(format!("{} gaps, the last one: {reason}", self.gaps));
        }
        if let Some(reason) = &self.last_failure {
            faults.push(format!("publishing failed {} times, last with: {reason}", self.failures));
        }
        if self.received == 0 && faults.is_empty() {
            faults.push("nothing was received".to_owned());
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn latencies_are_measured_from_sending_to_receiving() {
        let mut measured = Measured::new(MS);
        assert_eq!(measured.quantiles([0.5]), None);
        for n in 1..=101 {
            let number = measured.send();
            tokio::time::advance(n * MS).await;
            measured.receive(number);
            measured.receive(number);
        }
        assert_eq!(measured.quantiles([0.0, 0.5, 0.99, 1.0]), Some([MS, 51 * MS, 100 * MS, 101 * MS]));
        assert_eq!((measured.received, measured.slowest()), (101, Some(101 * MS)));
        assert_eq!(measured.faults(), [] as [&str; 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long_is_lost_even_if_it_comes_later() {
        let mut measured = Measured::new(MS);
        let (slow, _) = (measured.send(), tokio::time::advance(10 * MS).await);
        let quick = measured.send();
        measured.lose(10 * MS);
        measured.receive(slow);
        measured.receive(quick);
        assert_eq!((measured.lost, measured.received, measured.underway()), (1, 1, 0));
        assert_eq!(measured.faults(), ["1 of 2 events did not arrive"]);
    }
}
