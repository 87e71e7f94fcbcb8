//! The log of one client: what its handler got, in the order in which it got it.

use protocol::{EventId, ResyncReason};

/// What one client has seen.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// Whose it is.
    pub(crate) user: usize,
    pub(crate) entries: Vec<Entry>,
    /// When it came online, in milliseconds of the run; every one but the first is a reconnect.
    pub(crate) online_ms: Vec<u64>,
    /// Events and errors that no client should see: payloads that do not fit, a stream that ended for good.
    pub(crate) strange: Vec<String>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The handler ran for the send with this number.
    Event { number: u64, id: EventId, at_ms: u64 },
    /// Something may have been missed.
    Gap(ResyncReason),
}

impl Journal {
    pub(crate) fn of(user: usize) -> Self {
        Self { user, ..Self::default() }
    }

    /// When it came back, in milliseconds of the run.
    pub(crate) fn reconnects_ms(&self) -> impl Iterator<Item = u64> {
        self.online_ms.iter().skip(1).copied()
    }
}
