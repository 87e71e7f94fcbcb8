//! The server as its readers see it: bytes through real sockets, one file per behaviour.

#[cfg(feature = "sqlite")]
mod cursors;
pub(crate) mod doctored;
mod drain;
pub(crate) mod gate;
mod groups;
mod leaving;
mod limits;
mod presence;
mod restart;
mod resume;
mod revoke;
mod rights;
mod sharing;
mod stream;
pub(crate) mod support;
pub(crate) mod time;
