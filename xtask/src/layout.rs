//! Where things are in the checkout.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The checkout's root. Cargo names the folder of this package at run time, so a moved checkout is found too.
pub(crate) fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")), //
        PathBuf::from,
    );
    package.parent().map_or_else(|| package.clone(), Path::to_path_buf)
}

/// A path of the checkout, from its parts separated by `/`.
pub(crate) fn path(relative: &str) -> PathBuf {
    root().join(relative)
}

/// A folder below `target/`, made if missing.
pub(crate) fn target(relative: &str) -> Result<PathBuf> {
    let folder = root().join("target").join(relative);
    std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
    Ok(folder)
}

/// A file or folder that must be there; a missing one is a failure, never a silent skip.
pub(crate) fn required(relative: &str) -> Result<PathBuf> {
    let path = path(relative);
    if path.exists() {
        return Ok(path);
    }
    Err(Error::unmet(
        format!("`{relative}` does not exist"),
        "restore it (`git status` shows what is missing)",
    ))
}

/// Removes a folder and all below it; a missing one is fine.
pub(crate) fn clear(folder: &Path) -> Result {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::file(folder)(error)),
        _ => Ok(()),
    }
}
