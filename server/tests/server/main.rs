//! The server as its readers see it: bytes through real sockets, one file per behaviour.

#[cfg(feature = "sqlite")]
mod cursors;
mod doctored;
mod drain;
mod gate;
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
mod support;
mod time;
