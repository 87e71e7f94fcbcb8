//! Which groups the page reads, and for which its cursor speaks.
//!
//! A stream may read more than the page: what came for groups that the page does not read is counted and passed over.

use super::Subscriber;
use crate::{EventId, Names, ResyncReason, Time};

/// The groups of a page and of its stream.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    /// What the page shows.
    pub(crate) wanted: Names,
    /// What the stream was asked for last.
    pub(crate) asked: Names,
    /// What it has read up to the cursor.
    pub(crate) covered: Names,
    /// There was a hello.
    begun: bool,
}

impl Reads {
    /// What a request says that the cursor speaks for; all where that goes without saying.
    pub(crate) fn known(&self) -> Names {
        if self.begun && !self.asked.are_in(&self.covered) { self.covered.clone() } else { Names::default() }
    }

    /// Whether the page shows something that is covered and not among `before`.
    fn show_more_than(&self, before: &Names) -> bool {
        let mut shown = self.wanted.clone();
        shown.keep(&self.covered);
        self.begun && !shown.are_in(before)
    }
}

impl Subscriber {
    /// The page reads other groups: what the stream reads of them already, the page has not fetched.
    pub(crate) fn want(&mut self, wanted: Names, now: Time) {
        let now = self.observe(now);
        if self.attempts == 0 {
            self.reads.asked.clone_from(&wanted);
        }
        let before = std::mem::replace(&mut self.reads.wanted, wanted);
        if self.reads.show_more_than(&before) {
            if self.is_active() {
                self.resync(ResyncReason::Rights, now);
            } else {
                self.owed = Some(ResyncReason::Rights);
            }
        }
    }

    /// A hello said how the stream goes on, or that it begins anew. `covered` is what another tab's stream reads.
    pub(super) fn note_hello(&mut self, resumed: bool, covered: Option<Names>) {
        let reads = &mut self.reads;
        let before = reads.covered.clone();
        match covered {
            Some(covered) => reads.covered = covered,
            None if resumed && reads.begun => reads.covered.keep(&reads.asked),
            None => reads.covered.clone_from(&reads.asked),
        }
        if reads.show_more_than(&before) {
            self.owed = Some(ResyncReason::Rights);
        }
        self.reads.begun = true;
    }

    /// From `id` on the stream reads these groups, too.
    pub(super) fn gain(&mut self, groups: &str, id: Option<EventId>, now: Time) {
        self.advance(id);
        self.reads.covered.add(groups);
        if self.reads.wanted.meet(groups) {
            self.resync(ResyncReason::Rights, now);
        }
    }

    /// From here on the stream reads these groups no more.
    pub(super) fn lose(&mut self, groups: &str) {
        // Of all nothing can be left out, but what it was not asked for.
        let Reads { covered, asked, .. } = &mut self.reads;
        covered.keep(asked);
        covered.remove(groups);
    }
}
