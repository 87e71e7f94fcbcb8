//! The demo's server of shared notes.

use std::path::Path;

use crate::{error::Result, layout, npm, run::Run};

const FOLDER: &str = "examples/collaboration";

/// Installs what it needs.
pub(crate) fn ready() -> Result {
    npm::ci("npm packages of the shared notes", FOLDER)
}

/// The server, as it is started: it ends with its stdin.
pub(crate) fn server(port: u16, app: &str, texts: &Path) -> Result<Run> {
    let run = Run::new("node").arg(layout::required(FOLDER)?.join("server.mjs"));
    Ok(run
        .args(["--until-stdin-ends", "--port", &port.to_string(), "--app", app])
        .arg("--documents")
        .arg(texts)
        .advice("read its output above; --notes-port chooses another port"))
}
