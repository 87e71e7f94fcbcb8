//! The project's programs as the test command needs them.

use std::path::PathBuf;

use crate::{
    error::Result,
    layout,
    run::{Run, step},
};

/// Builds them all, with the dependencies that the Rust tests have: for one package alone cargo chooses other features
/// of theirs, and compiles most of them once more.
pub(crate) fn build() -> Result {
    step("build the programs", || Run::cargo().args(["build", "--workspace", "--bins", "--tests"]).go())
}

/// Where one of them is.
pub(crate) fn path(name: &str) -> PathBuf {
    layout::path("target/debug").join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}
