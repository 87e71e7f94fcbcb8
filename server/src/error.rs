//! What can go wrong when a hub starts and when it sends, by what the caller can decide.

use protocol::{ChannelError, ChannelSetError, EnvelopeError, FrameError};

use crate::store::StoreError;

/// A hub that could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The store did not open.
    #[error("the store did not open: {0}")]
    Store(#[from] StoreError),
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness: {0}")]
    Randomness(#[from] getrandom::Error),
}

/// An event that was not sent: nobody has received it, nobody will.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The audience names nobody, too many, or somebody who cannot exist.
    #[error("the audience cannot be addressed: {0}")]
    Audience(#[from] AudienceError),
    /// The event does not serialise as its contract says.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The event would break the framing of the stream.
    #[error("the event cannot be framed: {0}")]
    Frame(#[from] FrameError),
    /// The event is larger than `Config::max_event_bytes`.
    #[error("the event has {bytes} bytes, more than the {max} that are sent")]
    TooLarge {
        /// Its size as JSON.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// An idempotency key is empty or longer than 128 bytes.
    #[error("an idempotency key has 1 to 128 bytes")]
    Key,
    /// Another event was sent under the same idempotency key.
    #[error("another event was sent under the same idempotency key")]
    KeyConflict,
    /// The store did not commit. Whether it will is unknown when it did not answer: send again with the
    /// same key to make sure.
    #[error("the store did not commit: {0}")]
    Store(#[source] StoreError),
}

impl SendError {
    /// Whether the same may be sent again and succeed. It may have been sent all the same: only a key makes
    /// sure that it happens once ([`crate::Hub::send_once`]).
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.is_retryable(),
            _ => false,
        }
    }
}

impl From<StoreError> for SendError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::KeyConflict => Self::KeyConflict,
            other => Self::Store(other),
        }
    }
}

/// Why an audience cannot be addressed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AudienceError {
    /// A user id or group name that cannot be one.
    #[error(transparent)]
    Name(#[from] ChannelError),
    /// Nobody, or too many.
    #[error(transparent)]
    Size(#[from] ChannelSetError),
}
