//! Where each channel's past begins to be missing.

use std::collections::{BTreeSet, HashMap};

use crate::Channel;

/// Channels whose floor is kept for themselves: those trimmed last. At about 100 bytes each, 10 MB.
const CHANNELS_KEPT: usize = 100_000;

/// Per channel, the highest sequence removed from it; one floor for all the others.
#[derive(Debug)]
pub(super) struct Floors {
    of: HashMap<Channel, u64>,
    /// The same, lowest floor first.
    order: BTreeSet<(u64, Channel)>,
    /// Holds for every channel without an entry.
    others: u64,
    /// The highest of all: a cursor at or above it needs no look-up.
    highest: u64,
    kept: usize,
}

impl Floors {
    pub(super) fn new(others: u64) -> Self {
        Self::with_capacity(others, CHANNELS_KEPT)
    }

    fn with_capacity(others: u64, kept: usize) -> Self {
        Self { of: HashMap::new(), order: BTreeSet::new(), others, highest: others, kept }
    }

    /// `sequence` was removed from `channel`; sequences come in order.
    pub(super) fn raise(&mut self, channel: &Channel, sequence: u64) {
        self.highest = self.highest.max(sequence);
        if let Some(old) = self.of.insert(channel.clone(), sequence) {
            self.order.remove(&(old, channel.clone()));
        }
        self.order.insert((sequence, channel.clone()));
        if self.of.len() > self.kept
            && let Some((floor, channel)) = self.order.pop_first()
        {
            self.of.remove(&channel);
            self.others = self.others.max(floor);
        }
    }

    /// The highest sequence that may be missing from `channel`.
    pub(super) fn of(&self, channel: &Channel) -> u64 {
        self.of.get(channel).copied().unwrap_or(self.others)
    }

    /// The highest sequence that may be missing from any channel.
    pub(super) const fn highest(&self) -> u64 {
        self.highest
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn an_evicted_floor_holds_for_every_channel_without_one() {
        let channel = |name: &str| Channel::user(name).expect("a literal of this test");
        let mut floors = Floors::with_capacity(3, 2);
        assert_eq!(floors.of(&channel("a")), 3);
        floors.raise(&channel("a"), 5);
        floors.raise(&channel("b"), 6);
        floors.raise(&channel("a"), 7);
        assert_eq!((floors.of(&channel("a")), floors.of(&channel("c"))), (7, 3));
        floors.raise(&channel("c"), 8);
        assert_eq!(floors.of(&channel("b")), 6, "evicted, and folded into the floor of all others");
        assert_eq!(floors.of(&channel("never seen")), 6);
        assert_eq!((floors.of(&channel("a")), floors.of(&channel("c"))), (7, 8));
    }

    proptest! {
        #[test]
        fn a_floor_is_never_too_low_and_exact_for_the_channels_trimmed_last(
            removed in vec(0..12_u64, 0..80), others in 0..5_u64, kept in 0..6_usize,
        ) {
            let channel = |n: u64| Channel::user(&n.to_string()).expect("digits");
            let mut floors = Floors::with_capacity(others, kept);
            let mut last = [others; 12];
            for (&name, sequence) in removed.iter().zip(others + 1..) {
                floors.raise(&channel(name), sequence);
                last[name as usize] = sequence;
            }
            let mut newest_first = last;
            newest_first.sort_unstable_by(|a, b| b.cmp(a));
            let folded = newest_first[kept];
            for (name, floor) in (0..).zip(last) {
                prop_assert_eq!(floors.of(&channel(name)), floor.max(folded));
            }
            prop_assert_eq!(floors.highest(), newest_first[0]);
            prop_assert!(floors.of.len() <= kept && floors.order.len() == floors.of.len());
        }
    }
}
