//! What a run of one of several instances is to the store that they share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;

use super::{Lease, Opening, StoreError, columns::corrupt};
use crate::{Presence, PresenceChange, clock::Clock};

/// Who has the leases and the connections of a run, and by which times.
#[derive(Debug, Clone)]
pub(super) struct Holder {
    pub(super) instance: String,
    pub(super) clock: Clock,
    pub(super) lease: Duration,
    pub(super) leave_grace: Duration,
    pub(super) turns: Arc<Turns>,
}

impl Holder {
    pub(super) fn of(opening: &Opening) -> Self {
        Self {
            instance: opening.epoch.as_str().to_owned(),
            clock: opening.clock,
            lease: opening.presence_lease,
            leave_grace: opening.leave_grace,
            turns: Arc::default(),
        }
    }

    /// What is left of a lease, in milliseconds: the store counts by its own clock.
    pub(super) fn lasts(&self, lease: &Lease) -> u64 {
        lease.until.since(self.clock.now()).as_millis() as u64
    }
}

/// Questions about presence are numbered, and each says which answer has come: what was answered and did not arrive is
/// answered again, to whoever asks next.
#[derive(Debug, Default)]
pub(super) struct Turns {
    asked: AtomicU64,
    answered: AtomicU64,
    changes: Mutex<Vec<PresenceChange>>,
}

impl Turns {
    /// The number of the next question.
    pub(super) fn next(&self) -> u64 {
        self.asked.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The number of the last one whose answer has come.
    pub(super) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// An answer has come.
    pub(super) fn received(&self, turn: u64, changes: Vec<PresenceChange>) {
        self.answered.store(turn, Ordering::Relaxed);
        self.changes.lock().extend(changes);
    }

    /// All that has come, also of questions of which a later step failed.
    pub(super) fn take(&self) -> Vec<PresenceChange> {
        std::mem::take(&mut self.changes.lock())
    }
}

/// A word of an instance, as stores keep it.
pub(super) const fn word_of(presence: Presence) -> &'static str {
    match presence {
        Presence::Online => "o",
        Presence::Reconnecting => "r",
        Presence::Offline => "f",
    }
}

/// What a store says of a user.
pub(super) fn presence_of(word: &str) -> Result<Presence, StoreError> {
    match word {
        "online" => Ok(Presence::Online),
        "reconnecting" => Ok(Presence::Reconnecting),
        "offline" => Ok(Presence::Offline),
        _ => Err(corrupt(format!("a presence of {word:?}"))),
    }
}
