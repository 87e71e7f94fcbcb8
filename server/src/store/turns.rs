//! Questions about presence are numbered, and each says which answers have come.

use std::{
    slice::Chunks,
    sync::atomic::{AtomicU64, Ordering},
};

use indexmap::IndexMap;

use super::{Lease, StoreError, holder::told};
use crate::{Presence, PresenceChange};

/// The questions of one run. What was answered and did not arrive is answered again, to whoever asks next; what arrives
/// after a later one is not heard.
#[derive(Debug, Default)]
pub(super) struct Turns {
    asked: AtomicU64,
    answered: AtomicU64,
}

impl Turns {
    /// Asks about leases, so many at a time, and then until changes have come or nothing is due.
    pub(super) fn asking<'a>(&'a self, leases: &'a [Lease], most: usize) -> Asking<'a> {
        Asking { turns: self, steps: leases.chunks(most), asked: 0, over: false, changes: IndexMap::new() }
    }
}

/// One step of a question.
#[derive(Debug, Clone, Copy)]
pub(super) struct Turn<'a> {
    pub(super) number: u64,
    /// The last one of which all answers have come.
    pub(super) received: u64,
    pub(super) leases: &'a [Lease],
}

/// A question of several steps. What has come when one of them fails comes again with the next question.
#[derive(Debug)]
pub(super) struct Asking<'a> {
    turns: &'a Turns,
    steps: Chunks<'a, Lease>,
    asked: u64,
    over: bool,
    changes: IndexMap<String, Presence>,
}

impl<'a> Asking<'a> {
    /// The next step.
    pub(super) fn next(&mut self) -> Option<Turn<'a>> {
        if self.over {
            return None;
        }
        self.asked = self.turns.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let received = self.turns.answered.load(Ordering::Relaxed);
        Some(Turn { number: self.asked, received, leases: self.steps.next().unwrap_or_default() })
    }

    /// The answer to it.
    pub(super) fn hear(&mut self, answer: &[String]) -> Result<(), StoreError> {
        let (more, told) = told(answer)?;
        self.changes.extend(told.into_iter().map(|change| (change.user, change.presence)));
        self.over = self.steps.len() == 0 && (!more || !self.changes.is_empty());
        Ok(())
    }

    /// All that has come of it.
    pub(super) fn changes(self) -> Vec<PresenceChange> {
        self.turns.answered.store(self.asked, Ordering::Relaxed);
        self.changes.into_iter().map(|(user, presence)| PresenceChange { user, presence }).collect()
    }
}
