//! Which groups the page reads, and for which its cursor speaks.
//!
//! A stream may read more than the page: what came for groups that the page does not read is counted and passed over.

use super::{Subscriber, link::Link};
use crate::{EventId, Names, ResyncReason, Time};

/// The groups of a page and of its stream.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    /// What the page shows.
    pub(crate) wanted: Names,
    /// Of those, what the page has fetched since they were covered.
    told: Names,
    /// What the stream was asked for last.
    pub(crate) asked: Names,
    /// What it has read up to the cursor.
    pub(crate) covered: Names,
    /// There was a hello.
    begun: bool,
}

impl Reads {
    /// What the page shows and the stream reads.
    fn shown(&self) -> Names {
        let mut shown = self.wanted.clone();
        shown.keep(&self.covered);
        shown
    }

    /// The page fetches everything.
    pub(super) fn tell(&mut self) {
        self.told = self.shown();
    }

    /// What a request says that the cursor speaks for; all where that goes without saying.
    pub(crate) fn known(&self) -> Names {
        if self.begun && !self.asked.are_in(&self.covered) { self.covered.clone() } else { Names::default() }
    }
}

impl Subscriber {
    /// The page reads other groups.
    pub(crate) fn want(&mut self, wanted: Names, now: Time) {
        let now = self.observe(now);
        if self.attempts == 0 {
            self.reads.asked.clone_from(&wanted);
        }
        self.reads.wanted = wanted;
        self.note_reads(now);
    }

    /// A hello said how the stream goes on, or that it begins anew.
    pub(super) fn note_hello(&mut self, resumed: bool, covered: Option<Names>) {
        let reads = &mut self.reads;
        match covered {
            Some(covered) => reads.covered = covered,
            None if resumed && reads.begun => reads.covered.keep(&reads.asked),
            None => reads.covered.clone_from(&reads.asked),
        }
        if !(resumed && reads.begun) {
            reads.tell();
        }
        reads.begun = true;
    }

    /// From `id` on the stream reads these groups, too.
    pub(super) fn gain(&mut self, groups: &str, id: Option<EventId>, now: Time) {
        self.advance(id);
        let concerns = self.reads.wanted.meet(groups);
        self.reads.covered.add(groups);
        if concerns {
            self.reads.tell();
            self.resync(ResyncReason::Rights, now);
        }
    }

    /// From here on the stream reads these groups no more.
    pub(super) fn lose(&mut self, groups: &str, now: Time) {
        // Of all nothing can be left out, but what it was not asked for.
        let super::Reads { covered, asked, .. } = &mut self.reads;
        covered.keep(asked);
        covered.remove(groups);
        self.note_reads(now);
    }

    /// Has the page fetch what it did not show, or the stream did not read, before.
    pub(super) fn note_reads(&mut self, now: Time) {
        let shown = self.reads.shown();
        let active = matches!(self.link, Link::Waiting { .. } | Link::Opening { .. } | Link::Streaming(_));
        if !self.reads.begun {
            self.reads.told = shown;
        } else if active && !shown.are_in(&self.reads.told) {
            self.reads.told = shown;
            self.resync(ResyncReason::Rights, now);
        } else {
            self.reads.told.keep(&shown);
        }
    }
}
