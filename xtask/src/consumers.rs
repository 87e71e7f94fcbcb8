//! The packed packages in fresh projects, as a user would install them.

use std::path::PathBuf;

use crate::{
    apt, binaries, chromium,
    debian::entries,
    error::{Error, Result},
    layout, npm,
    run::Run,
    wasm,
};

/// The projects, and the tests that build and open them.
const FOLDER: &str = "xtask/npm/consumers";

/// Runs every project of the folder's tests; those of bundlers that most users meet through others only when `long`.
pub(crate) fn stage(long: bool) -> Result {
    chromium::ready()?;
    // The README's configuration of it is tried.
    apt::ready(&[("/usr/sbin/nginx", "nginx-light")])?;
    wasm::packages()?;
    let tidings = build_server()?;
    npm::ci("npm packages of the consumers' tests", FOLDER)?;
    let mut tests = tests_in("test")?;
    if long {
        tests.extend(tests_in("test-long")?);
    }
    Run::new("node")
        // Each has a folder and ports of its own, and waits for the network a good part of its time.
        .args(["--test", "--test-concurrency=2", "--test-timeout=300000"])
        .args(tests)
        .dir(layout::path(FOLDER))
        .env("TIDINGS_BINARY", tidings)
        .env("CHROMIUM", chromium::BROWSER)
        .go()
}

/// The server that sends the events.
fn build_server() -> Result<PathBuf> {
    binaries::build()?;
    Ok(binaries::path("tidings"))
}

fn tests_in(folder: &str) -> Result<Vec<PathBuf>> {
    let folder = format!("{FOLDER}/{folder}");
    let mut tests = entries(&layout::required(&folder)?)?;
    tests.retain(|file| file.to_string_lossy().ends_with(".test.mjs"));
    if tests.is_empty() {
        return Err(Error::unmet(format!("{folder} holds no *.test.mjs"), "restore them (`git status`)"));
    }
    tests.sort();
    Ok(tests)
}
