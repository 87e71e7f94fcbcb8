//! Debian's PostgreSQL, whose programs the tests of the store start servers of their own with.

use std::{fs, path::Path};

use crate::{apt, error::Result};

/// Where Debian 12 puts the server; later ones put a later version beside it.
const SERVER: &str = "/usr/lib/postgresql/15/bin/postgres";

/// Installs it if there is none, here or in `PATH`.
pub(crate) fn ready() -> Result {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders = std::env::split_paths(&path).chain(debian.map(|version| version.path().join("bin")));
    if folders.any(|folder| has_server(&folder)) { Ok(()) } else { apt::ready(&[(SERVER, "postgresql")]) }
}

/// The program that makes a cluster is never there without the one that serves it.
fn has_server(folder: &Path) -> bool {
    folder.join("initdb").exists()
}
