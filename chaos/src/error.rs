//! What ends a run before its verdict.

use std::io;

/// A run that could not be made, as against one that found something.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The system refused something.
    #[error("{what}: {source}")]
    Io { what: String, source: io::Error },
    /// A server did not do what servers do.
    #[error("{0}")]
    Server(String),
    /// Something did not happen in its time.
    #[error("{what} did not happen within {seconds} s")]
    Late { what: String, seconds: u64 },
}

pub(crate) type Result<T = ()> = std::result::Result<T, Error>;

impl Error {
    /// For `map_err` on what the system does.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what: what.into(), source }
    }
}
