//! When to try again: full jitter, so that a thousand clients of one restarted server do not return at once.

use crate::Millis;

/// The numbers of reconnection. Defaults as in `DESIGN.md` § 7, after AWS' "full jitter".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Ceiling of the first delay; the server's `retry:` replaces it.
    pub base: Millis,
    /// No delay is longer, except by the server's wish.
    pub cap: Millis,
    /// A stream must live this long for the next outage to begin with short delays again.
    pub healthy_after: Millis,
}

impl Default for Retry {
    fn default() -> Self {
        Self { base: Millis::from_secs(1), cap: Millis::from_secs(30), healthy_after: Millis::from_secs(10) }
    }
}

/// No delay is shorter, so that a server that ends every stream at once is not hammered.
const FLOOR: Millis = Millis::new(250);

/// The delays of one subscriber: a generator seeded from outside, and the number of failures so far.
#[derive(Debug, Clone)]
pub struct Backoff {
    retry: Retry,
    /// The server's `retry:`, in place of `retry.base`.
    server_base: Option<Millis>,
    /// Failures since the last healthy stream.
    failures: u32,
    random: SplitMix,
}

impl Backoff {
    /// No failures so far. Equal seeds draw equal delays.
    pub const fn new(retry: Retry, seed: u64) -> Self {
        Self { retry, server_base: None, failures: 0, random: SplitMix(seed) }
    }

    /// The server's `retry:`; bounded by the cap, and by the floor, since a base of nothing would never grow.
    pub fn set_server_base(&mut self, base: Millis) {
        self.server_base = Some(base.max(FLOOR).min(self.retry.cap));
    }

    /// The stream has lived long enough: begin anew.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// Failures since the last healthy stream.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// The delay before the next attempt: `uniform(250 ms, min(cap, base · 2ⁿ))`, or after a healthy stream
    /// `uniform(0, max(1 s, base))`.
    pub fn next(&mut self, after_healthy: bool) -> Millis {
        let base = self.server_base.unwrap_or(self.retry.base);
        if after_healthy {
            self.failures = 0;
            return self.uniform(Millis::ZERO, base.max(Millis::from_secs(1)));
        }
        let factor = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_add(1);
        self.uniform(FLOOR, (base * factor).min(self.retry.cap))
    }

    /// A duration drawn from `low..=high`, or `low` where the bounds cross.
    pub fn uniform(&mut self, low: Millis, high: Millis) -> Millis {
        let span = high.saturating_sub(low).get();
        if span == 0 {
            return low;
        }
        low + Millis::new(self.random.next() % span.saturating_add(1))
    }
}

/// Steele, Lea and Flood's SplitMix64: enough to spread delays, and nothing secret hangs on it.
#[derive(Debug, Clone)]
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_cap_and_never_fall_below_the_floor() {
        for seed in 0..1_000 {
            let mut backoff = Backoff::new(Retry::default(), seed);
            for attempt in 0..40_u32 {
                let ceiling = Millis::from_secs(1 << attempt.min(5)).min(Millis::from_secs(30));
                let delay = backoff.next(false);
                assert!((FLOOR..=ceiling).contains(&delay), "seed {seed} attempt {attempt}: {delay:?}");
            }
        }
    }

    #[test]
    fn a_thousand_clients_spread_over_the_first_second() {
        let mut buckets = [0_u32; 10];
        for seed in 0..1_000 {
            let delay = Backoff::new(Retry::default(), seed).next(true);
            buckets[usize::try_from(delay.get() / 101).expect("below 1,010 ms")] += 1;
        }
        assert!(buckets.iter().all(|&n| (50..200).contains(&n)), "{buckets:?}");
    }
}
