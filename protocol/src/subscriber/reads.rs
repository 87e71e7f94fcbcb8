//! Which groups the page reads, and for which its cursor speaks.
//!
//! A stream may read more than the page: what came for groups that the page does not read is counted and passed over.

use super::Subscriber;
use crate::{EventId, Names, ResyncReason, Time, control::Resumed};

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
    /// It said that a gap follows, from which on all is read that the stream was asked for.
    anew: bool,
}

/// Where a request would have to name more, it says that its cursor speaks for none: one more gap, and a short address.
const KNOWN_BYTES_MAX: usize = 1_024;

impl Reads {
    /// What a request says that the cursor speaks for; all where that goes without saying.
    pub(crate) fn known(&self) -> Names {
        if !self.begun || self.asked.are_in(&self.covered) {
            Names::default()
        } else if self.covered.as_text().len() > KNOWN_BYTES_MAX {
            Names::none()
        } else {
            self.covered.clone()
        }
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

    /// A hello said how the stream goes on: after the cursor, from a gap on that comes next, or anew. `covered` is what
    /// another tab's stream reads.
    pub(super) fn note_hello(&mut self, resumed: Resumed, covered: Option<Names>) {
        let reads = &mut self.reads;
        let before = reads.covered.clone();
        reads.anew = resumed == Resumed::Gap && covered.is_none();
        match covered {
            Some(covered) => reads.covered = covered,
            None if resumed != Resumed::Fresh && reads.begun => reads.covered.keep(&reads.asked),
            None => reads.covered.clone_from(&reads.asked),
        }
        if reads.show_more_than(&before) {
            self.owed = Some(ResyncReason::Rights);
        }
        self.reads.begun = true;
    }

    /// A gap for everything.
    pub(super) fn note_gap(&mut self) {
        if std::mem::take(&mut self.reads.anew) {
            self.reads.covered.clone_from(&self.reads.asked);
        }
    }

    /// From `id` on the stream reads these groups, too, or no more. Of those that it was asked for and the page shows,
    /// the page may see more or less from now on, and fetches.
    pub(super) fn change_covered(&mut self, groups: &str, gained: bool, id: Option<EventId>, now: Time) {
        self.advance(id);
        let Reads { covered, asked, wanted, .. } = &mut self.reads;
        if gained {
            covered.add(groups);
        } else {
            // All may be fewer than it seems.
            covered.keep(asked);
            covered.remove(groups);
        }
        if wanted.meet(groups) && (gained || asked.meet(groups)) {
            self.resync(ResyncReason::Rights, now);
        }
    }
}
