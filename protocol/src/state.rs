//! What a page can show about its connection.

use crate::{SubscriberError, Time};

/// The state of a subscriber; changes are outputs, so that a page hears of each once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Not started.
    Idle,
    /// The first attempt runs.
    Connecting {
        /// When it began.
        since: Time,
    },
    /// Hello has been said.
    Online {
        /// When it was said.
        since: Time,
        /// Whether it continued an earlier connection without a gap.
        resumed: bool,
    },
    /// Was online; trying again.
    Reconnecting(Outage),
    /// The same, and the device says that it has no network: a hint, never a gate.
    Offline(Outage),
    /// The outage is long; still trying.
    LongBroken(Outage),
    /// Credentials were refused; parked until they are renewed.
    Unauthorized {
        /// What refused them.
        reason: SubscriberError,
    },
    /// Over, until started again.
    Closed(Closed),
}

/// An interruption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// When the stream was lost, or the first attempt began.
    pub since: Time,
    /// Attempts made in it.
    pub attempt: u32,
    /// When the next attempt is due; `None` while one runs.
    pub retry_at: Option<Time>,
    /// What happened last.
    pub reason: SubscriberError,
}

/// Why a subscriber is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Closed {
    /// The page closed it.
    ByCaller,
    /// The server answered 204, which tells an event source to stop.
    NoContent,
    /// Trying again would not help.
    Failed(SubscriberError),
}
