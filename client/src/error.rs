//! What can go wrong when a client is made and while it runs, by what the caller can decide.

use std::{io, sync::Arc};

use protocol::{EventId, SubscriberError};

/// A client that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address is no `http:` or `https:` URL.
    #[error("{url:?} is no http or https URL: {reason}")]
    Url {
        /// The address.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A header's name or value cannot be one.
    #[error("the header {0:?} cannot be sent: its name or value holds what no header may")]
    Header(String),
    /// A proxy's address is none.
    #[error("the proxy cannot be used: {0}")]
    Proxy(String),
    /// A root certificate is none, or TLS could not be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// The saved position could not be read.
    #[error("the saved position could not be read: {0}")]
    Cursor(#[source] io::Error),
    /// There is no tokio runtime to run on.
    #[error("a client needs a tokio runtime: call connect from within one")]
    NoRuntime,
}

/// What went wrong while a client runs. It goes on by itself, unless its state says otherwise.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The connection, or what it carried.
    #[error(transparent)]
    Subscriber(#[from] SubscriberError),
    /// An event of a name that the contract knows does not fit it. It is skipped, and the position moves on.
    #[error("{name}: {reason}")]
    Payload {
        /// The event's name.
        name: String,
        /// Its place.
        id: Option<EventId>,
        /// What does not fit.
        reason: String,
    },
    /// The position could not be saved.
    #[error("the position could not be saved: {0}")]
    Cursor(#[source] Arc<io::Error>),
}

impl Error {
    /// A stable word for programs, the same as in TypeScript where it has one.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Subscriber(error) => error.code(),
            Self::Payload { .. } => "payload_mismatch",
            Self::Cursor(_) => "cursor_not_saved",
        }
    }
}
