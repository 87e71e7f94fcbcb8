//! Where an instance stands in a log that several write: fed page by page, in order, none left out.

use std::{collections::VecDeque, sync::Arc};

use protocol::{Entry, Epoch, EventId, Revoked, Time};

use super::{
    Follower, StoreError,
    columns::Placed,
    lineage::{Lineage, Place, Succession, Verdict},
};

/// The way of one follower through the log.
pub(super) struct Course {
    follower: Arc<dyn Follower>,
    /// The epoch of the next id.
    epoch: Epoch,
    /// What was followed last.
    position: u64,
    /// What ends and begins ahead.
    ahead: VecDeque<Succession>,
    /// Entries up to here are of before this instance began.
    past: u64,
    /// Entries up to here may be of older epochs.
    older: u64,
}

/// What a page says beside its entries, as of the same moment.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) epoch: Epoch,
    pub(super) sequence: u64,
    pub(super) removed: u64,
}

/// What came of a page.
#[derive(Debug, Default)]
pub(super) struct Fed {
    /// Entries that were followed.
    pub(super) count: usize,
    /// Those of them that their senders know by a ticket.
    pub(super) tickets: Vec<(i64, EventId)>,
    /// The entry there cannot be read, and nothing behind it was.
    pub(super) unreadable: Option<u64>,
}

impl Course {
    /// Begins where the window begins.
    pub(super) fn begin(lineage: &Lineage, follower: Arc<dyn Follower>) -> Result<Self, StoreError> {
        let start = lineage.start();
        let beginning = lineage.beginning(start.floor).ok_or_else(ended)?;
        let course = Self {
            epoch: beginning.epoch.clone(),
            position: start.position,
            ahead: VecDeque::new(),
            past: lineage.head,
            older: lineage.head,
            follower,
        };
        course.follower.begin(beginning);
        Ok(course)
    }

    pub(super) const fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    pub(super) const fn position(&self) -> u64 {
        self.position
    }

    /// The first entry of before this instance began that it has not come to.
    pub(super) fn missing(&self) -> Option<u64> {
        (self.position < self.past).then_some(self.position + 1)
    }

    /// Tells what is revoked before what was missed.
    pub(super) fn foresee(&self, revocations: Vec<(Revoked, Time)>) {
        if !revocations.is_empty() {
            self.follower.foresee(revocations);
        }
    }

    /// Whether a page under this head goes on where this stands; otherwise it has to be judged.
    pub(super) fn goes_on(&self, head: &Head) -> bool {
        let newest = self.ahead.back().map_or(&self.epoch, |(_, epoch)| epoch);
        head.epoch == *newest && head.sequence >= self.position && head.removed <= self.position
    }

    /// Another epoch has begun, or the log is not the one that was followed.
    pub(super) fn judge(&mut self, lineage: &Lineage) -> Result<(), StoreError> {
        match lineage.judge(&self.epoch, self.position) {
            Verdict::GoesOn(ahead) => {
                self.ahead = ahead;
                self.succeed();
                Ok(())
            }
            Verdict::BeginsAgain(place) => self.begin_again(lineage, place),
        }
    }

    /// Feeds the entries that follow where this stands. At a hole it ends: what is missing will come.
    pub(super) fn feed<'a>(
        &mut self,
        page: impl Iterator<Item = Result<Placed<'a>, StoreError>>,
    ) -> Result<Fed, StoreError> {
        let (mut entries, mut fed) = (Vec::with_capacity(page.size_hint().0), Fed::default());
        self.succeed();
        for placed in page {
            let placed = placed?;
            if placed.sequence != self.position + 1 {
                break;
            }
            let entry = match placed.entry(placed.sequence <= self.past) {
                Ok(entry) if placed.epoch == self.epoch || placed.sequence <= self.older => entry,
                other => {
                    tracing::error!(sequence = placed.sequence, epoch = %placed.epoch, ?other, "an unreadable entry");
                    fed.unreadable = Some(placed.sequence);
                    break;
                }
            };
            if let Some(ticket) = placed.ticket {
                fed.tickets.push((ticket, entry.id.clone()));
            }
            entries.push(entry);
            fed.count += 1;
            self.position = placed.sequence;
            if self.ahead.front().is_some_and(|(end, _)| *end == self.position) {
                self.hand_over(&mut entries);
                self.succeed();
            }
        }
        self.hand_over(&mut entries);
        Ok(fed)
    }

    /// Goes on behind an entry that will never be read, or that is lost: everybody is told.
    pub(super) fn pass(&mut self, lineage: &Lineage, sequence: u64) -> Result<(), StoreError> {
        self.begin_again(lineage, Place::behind(sequence))
    }

    fn hand_over(&self, entries: &mut Vec<Entry>) {
        if !entries.is_empty() {
            self.follower.follow(std::mem::take(entries));
        }
    }

    fn succeed(&mut self) {
        while self.ahead.front().is_some_and(|(end, _)| *end == self.position)
            && let Some((_, epoch)) = self.ahead.pop_front()
        {
            self.follower.succeed(epoch.clone());
            self.epoch = epoch;
        }
    }

    fn begin_again(&mut self, lineage: &Lineage, place: Place) -> Result<(), StoreError> {
        let Place { position, floor } = place;
        let beginning = lineage.beginning(floor).ok_or_else(ended)?;
        tracing::warn!(
            epoch = %self.epoch,
            position = self.position,
            floor,
            "the log does not go on as it was followed: every stream is told of a gap"
        );
        (self.epoch, self.position, self.ahead) = (beginning.epoch.clone(), position, VecDeque::new());
        // In another log no sequence is of before this instance; in this one they still are.
        (self.past, self.older) = (self.past.min(lineage.head), lineage.head);
        self.follower.begin(beginning);
        Ok(())
    }
}

fn ended() -> StoreError {
    StoreError::Corrupt("the last epoch has ended".to_owned())
}
