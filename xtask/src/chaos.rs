//! `cargo xtask chaos`: the proof by kill -9.

use std::path::PathBuf;

use crate::{
    apt, binaries,
    error::Result,
    postgres,
    run::{Run, step},
};

/// Its options are those of the program that plays it.
#[allow(dead_code, reason = "the program reads them; here they are checked and explained")]
#[path = "../../chaos/src/options.rs"]
mod options;

pub(crate) use options::Options as Chaos;

/// How the programs are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Build {
    /// As for other tests, which have built most of it.
    Debug,
    /// As they are used: many clients and a server share the machine.
    Release,
}

impl Chaos {
    pub(crate) fn run(&self) -> Result {
        let build = if self.short { Build::Debug } else { Build::Release };
        program(build)?.args(std::env::args_os().skip(2)).become_it()
    }
}

/// The stage of the test command: the short form, or before an issue is closed a tenth of the long one.
pub(crate) fn stage(long: bool) -> Result {
    let (build, options): (_, &[&str]) =
        if long { (Build::Release, &["--rounds", "3"]) } else { (Build::Debug, &["--short"]) };
    program(build)?.args(options).advice("the table says what failed; repeat it with --seed").go()
}

/// The program, with the server that it starts.
fn program(build: Build) -> Result<Run> {
    postgres::ready()?;
    apt::ready(&[("/usr/bin/redis-server", "redis-server")])?;
    let folder = match build {
        Build::Debug => "debug",
        Build::Release => "release",
    };
    match build {
        Build::Debug => binaries::build()?,
        Build::Release => {
            let packages = ["--package", "tidings", "--package", "tidings-chaos"];
            step("build the server and the clients", || {
                Run::cargo().args(["build", "--release"]).args(packages).go()
            })?;
        }
    }
    let binary = |name: &str| -> PathBuf {
        crate::layout::path("target").join(folder).join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    };
    Ok(Run::new(binary("tidings-chaos")).arg("--server").arg(binary("tidings")))
}
