//! Room for the sockets of a run: each client has three in this process, and one in the server.

use rustix::process::{Resource, getrlimit, setrlimit};

use crate::error::{Error, Result};

/// Beside the clients' sockets: those of publishers, of black holes, files, and the runtime's own.
const BESIDE: u64 = 1_024;

/// Raises the limit of open files as far as `clients` need it; children inherit it.
pub(crate) fn raise(clients: usize) -> Result {
    let needed = clients as u64 * 8 + BESIDE;
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    if limit.maximum.is_some_and(|maximum| maximum < needed) {
        return Err(Error::Server(format!(
            "{clients} clients need {needed} open files, and the system allows {}: raise `ulimit -Hn`, or take fewer \
             clients",
            limit.maximum.unwrap_or_default()
        )));
    }
    limit.current = Some(needed);
    setrlimit(Resource::Nofile, limit).map_err(|error| Error::io("the limit of open files")(error.into()))
}
