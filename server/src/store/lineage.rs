//! The epochs of a log that several write, and where in them a follower may go on: the epoch rule.

use std::collections::VecDeque;

use protocol::Epoch;

use super::Beginning;

/// What a store says about its epochs, as of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lineage {
    /// Oldest first, and where each ended; the last one has not.
    pub(super) epochs: Vec<(Epoch, Option<u64>)>,
    /// The sequence given last.
    pub(super) head: u64,
    /// The highest sequence removed.
    pub(super) removed: u64,
    /// The highest one removed that anybody could miss.
    pub(super) floor: u64,
}

/// The epoch that follows, and where the one before ends.
pub(super) type Succession = (u64, Epoch);

/// How a follower goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// From where it stands, over these.
    GoesOn(VecDeque<Succession>),
    /// Behind this place: what it had followed beyond it is not in this log, or something was removed unseen.
    BeginsAgain(Place),
}

/// Where a follower begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Entries follow from here on.
    pub(super) position: u64,
    /// Up to here something may be missing that somebody could miss.
    pub(super) floor: u64,
}

impl Place {
    /// Whatever lies before it may be missing.
    pub(super) const fn behind(sequence: u64) -> Self {
        Self { position: sequence, floor: sequence }
    }
}

impl Lineage {
    /// What becomes of a follower of `epoch` that stands at `position`.
    pub(super) fn judge(&self, epoch: &Epoch, position: u64) -> Verdict {
        let Some(place) = self.epochs.iter().position(|(known, _)| known == epoch) else {
            return Verdict::BeginsAgain(Place::behind(self.head));
        };
        let end = self.end(place);
        if end < position {
            return Verdict::BeginsAgain(Place::behind(end.max(self.removed)));
        }
        if position < self.removed {
            return Verdict::BeginsAgain(self.start());
        }
        Verdict::GoesOn(self.after(place))
    }

    /// A log that begins behind `floor`, under the epoch that gives the next new id; what older epochs gave
    /// behind the floor keeps their ids.
    pub(super) fn beginning(&self, floor: u64) -> Option<Beginning> {
        let ((epoch, _), before) = self.epochs.split_last()?;
        let ended = (0..before.len()).map(|place| (before[place].0.clone(), self.end(place))).collect();
        Some(Beginning { epoch: epoch.clone(), floor, ended })
    }

    /// Whether the log holds `cursor`.
    #[cfg(feature = "redis")]
    pub(super) fn covers(&self, cursor: &protocol::EventId) -> bool {
        let place = self.epochs.iter().position(|(known, _)| known == cursor.epoch());
        place.is_some_and(|place| cursor.sequence() <= self.end(place))
    }

    /// The epoch that gave a sequence.
    #[cfg(feature = "redis")]
    pub(super) fn epoch_of(&self, sequence: u64) -> Option<&Epoch> {
        let gave = |(_, ended): &&(Epoch, Option<u64>)| ended.is_none_or(|end| sequence <= end);
        self.epochs.iter().find(gave).map(|(epoch, _)| epoch)
    }

    /// Where what was removed ends.
    pub(super) const fn start(&self) -> Place {
        Place { position: self.removed, floor: self.floor }
    }

    fn after(&self, place: usize) -> VecDeque<Succession> {
        let later = self.epochs.iter().enumerate().skip(place + 1);
        later.map(|(place, (epoch, _))| (self.end(place - 1), epoch.clone())).collect()
    }

    fn end(&self, place: usize) -> u64 {
        self.epochs[place].1.unwrap_or(self.head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(token: &str) -> Epoch {
        Epoch::new(token).expect("a literal of this test")
    }

    /// a ended at 10, b at 10 too, c is current at 15; up to 4 was removed, the last of it a notice.
    fn lineage() -> Lineage {
        let epochs = vec![(named("a"), Some(10)), (named("b"), Some(10)), (named("c"), None)];
        Lineage { epochs, head: 15, removed: 4, floor: 3 }
    }

    #[test]
    fn a_follower_goes_on_where_its_epoch_reaches_as_far_as_it_stands() {
        let later = VecDeque::from([(10, named("b")), (10, named("c"))]);
        for position in [4, 7, 10] {
            assert_eq!(lineage().judge(&named("a"), position), Verdict::GoesOn(later.clone()), "{position}");
        }
        assert_eq!(lineage().judge(&named("c"), 15), Verdict::GoesOn(VecDeque::new()));
    }

    #[test]
    fn a_follower_begins_again_after_the_end_of_what_it_knew() {
        let behind = |sequence| Verdict::BeginsAgain(Place::behind(sequence));
        assert_eq!(lineage().judge(&named("a"), 11), behind(10));
        assert_eq!(lineage().judge(&named("c"), 16), behind(15));
        assert_eq!(lineage().judge(&named("z"), 7), behind(15));
        let unseen = Verdict::BeginsAgain(Place { position: 4, floor: 3 });
        assert_eq!(lineage().judge(&named("a"), 3), unseen, "a notice was removed, which nobody misses");
    }

    #[test]
    fn a_log_begins_under_the_epoch_that_gives_the_next_id() {
        let beginning = lineage().beginning(lineage().start().floor).expect("it begins");
        assert_eq!((beginning.epoch, beginning.floor), (named("c"), 3));
        assert_eq!(beginning.ended, [(named("a"), 10), (named("b"), 10)]);
    }
}
