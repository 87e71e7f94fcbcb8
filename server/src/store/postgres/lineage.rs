//! The epochs of the log, and where in them a follower may go on: the epoch rule.

use std::collections::VecDeque;

use protocol::Epoch;
use sqlx::{Row as _, postgres::PgRow};

use super::rows::{corrupt, epoch, number};
use crate::store::{Beginning, StoreError};

/// What the database says about its epochs, as of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lineage {
    /// Oldest first, and where each ended; the last one has not.
    epochs: Vec<(Epoch, Option<u64>)>,
    /// The sequence given last.
    pub(super) head: u64,
    /// The highest sequence removed.
    pub(super) removed: u64,
    /// The highest one removed that anybody could miss.
    floor: u64,
}

/// The epoch that follows, and where the one before ends.
pub(super) type Succession = (u64, Epoch);

/// How a follower goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// From where it stands, over these.
    GoesOn(VecDeque<Succession>),
    /// After this place: what it had followed beyond it is not in this log, or something is missing.
    BeginsAgain(u64),
}

/// A row per epoch, each with the head.
pub(super) const LINEAGE: &str =
    "SELECT token, ended, sequence, removed, floor FROM {schema}.head, {schema}.epochs ORDER BY number";

impl Lineage {
    /// From the rows of [`LINEAGE`]; nothing while the log has no epoch yet.
    pub(super) fn of(rows: &[PgRow]) -> Result<Option<Self>, StoreError> {
        let Some(first) = rows.first() else { return Ok(None) };
        let epochs = rows.iter().map(|row| {
            let ended: Option<i64> = row.try_get("ended").map_err(corrupt)?;
            Ok((epoch(row.try_get("token").map_err(corrupt)?)?, ended.map(number).transpose()?))
        });
        Ok(Some(Self {
            epochs: epochs.collect::<Result<_, StoreError>>()?,
            head: number(first.try_get("sequence").map_err(corrupt)?)?,
            removed: number(first.try_get("removed").map_err(corrupt)?)?,
            floor: number(first.try_get("floor").map_err(corrupt)?)?,
        }))
    }

    /// What becomes of a follower of `epoch` that stands at `position`.
    pub(super) fn judge(&self, epoch: &Epoch, position: u64) -> Verdict {
        let Some(place) = self.epochs.iter().position(|(known, _)| known == epoch) else {
            return Verdict::BeginsAgain(self.head);
        };
        let end = self.end(place);
        if end < position {
            return Verdict::BeginsAgain(end.max(self.removed));
        }
        if position < self.removed {
            return Verdict::BeginsAgain(self.removed);
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

    /// A log that begins where what was removed ends: its entries follow from `removed` on.
    pub(super) fn whole(&self) -> Option<Beginning> {
        self.beginning(self.floor)
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
        assert_eq!(lineage().judge(&named("a"), 11), Verdict::BeginsAgain(10));
        assert_eq!(lineage().judge(&named("c"), 16), Verdict::BeginsAgain(15));
        assert_eq!(lineage().judge(&named("z"), 7), Verdict::BeginsAgain(15));
        assert_eq!(lineage().judge(&named("a"), 3), Verdict::BeginsAgain(4), "something was removed unseen");
    }

    #[test]
    fn a_log_begins_under_the_epoch_that_gives_the_next_id() {
        let beginning = lineage().whole().expect("it begins");
        assert_eq!((beginning.epoch, beginning.floor), (named("c"), 3));
        assert_eq!(beginning.ended, [(named("a"), 10), (named("b"), 10)]);
    }
}
