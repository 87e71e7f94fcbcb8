//! The list of sends: what was asked of the server, and what it answered.

use std::sync::{Mutex, PoisonError};

use protocol::EventId;

use crate::population::Audience;

/// Every send of a round, by its number.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    sends: Mutex<Vec<Send>>,
}

/// One send.
#[derive(Debug, Clone)]
pub(crate) struct Send {
    pub(crate) audience: Audience,
    pub(crate) outcome: Outcome,
}

/// What is known of a send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The server said that it is committed, at this moment of the run.
    Acknowledged { id: EventId, at_ms: u64 },
    /// There was no answer, or one that says that nobody knows: it may appear once, or not at all.
    Unknown,
    /// It never reached a server: it must not appear.
    NotSent,
}

impl Ledger {
    /// Notes a send that is about to be made; its number.
    pub(crate) fn begin(&self, audience: Audience) -> u64 {
        let mut sends = self.sends.lock().unwrap_or_else(PoisonError::into_inner);
        sends.push(Send { audience, outcome: Outcome::Unknown });
        sends.len() as u64 - 1
    }

    pub(crate) fn settle(&self, number: u64, outcome: Outcome) {
        let mut sends = self.sends.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(send) = usize::try_from(number).ok().and_then(|index| sends.get_mut(index)) {
            send.outcome = outcome;
        }
    }

    /// All of them, as they stand.
    pub(crate) fn sends(&self) -> Vec<Send> {
        self.sends.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
