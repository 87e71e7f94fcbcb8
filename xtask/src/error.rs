//! What stops a command, and what to do about it.

use std::{io, path::PathBuf};

/// Every failure names its remedy, because the reader is at a terminal and wants to go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// A program ran and said no.
    #[error("`{command}` failed ({status})\n  what to do: {advice}")]
    Command { command: String, status: String, advice: String },
    /// A program could not be started.
    #[error("`{program}` could not be started ({source})\n  what to do: {advice}")]
    Absent { program: String, source: io::Error, advice: String },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    /// Something that should hold does not.
    #[error("{what}\n  what to do: {advice}")]
    Unmet { what: String, advice: String },
}

/// What every step of a command returns.
pub(crate) type Result<T = ()> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn unmet(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Unmet { what: what.into(), advice: advice.into() }
    }

    /// For `map_err` on file operations: keeps the path beside the cause.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
