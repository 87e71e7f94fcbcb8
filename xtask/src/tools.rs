//! Cargo's helpers that a fresh machine lacks, built once into `target/tools`.
//!
//! A tool that is already on the machine is used only where its version does not decide the outcome.

use std::{ffi::OsString, fs, path::PathBuf};

use crate::{
    error::{Error, Result},
    layout,
    run::{Run, step},
};

/// A crate with a binary.
#[derive(Debug, Clone, Copy)]
struct Tool {
    krate: &'static str,
    /// What `cargo install` is told beyond the name. None of them is optimised: that doubles the build, and they
    /// only direct other programs.
    options: &'static [&'static str],
}

/// The test runner. Its self-update is left out: half the dependencies.
const NEXTEST: Tool = Tool {
    krate: "cargo-nextest",
    options: &["--debug", "--no-default-features", "--features", "default-no-update"],
};

/// The fuzzing front end.
const FUZZ: Tool = Tool { krate: "cargo-fuzz", options: &["--debug"] };

/// Turns the compiler's wasm into what a browser imports, and runs wasm tests in a browser.
const WASM_BINDGEN: Tool = Tool { krate: "wasm-bindgen-cli", options: &["--debug"] };

/// `cargo nextest`, installed if missing.
pub(crate) fn nextest() -> Result<Run> {
    NEXTEST.subcommand("nextest")
}

/// `cargo fuzz`, installed if missing.
pub(crate) fn fuzz() -> Result<Run> {
    FUZZ.subcommand("fuzz")
}

/// The two programs of wasm-bindgen, of exactly the version that the crates are locked to: another one refuses.
#[derive(Debug)]
pub(crate) struct WasmBindgen {
    pub(crate) cli: PathBuf,
    pub(crate) test_runner: PathBuf,
}

impl WasmBindgen {
    pub(crate) fn ready() -> Result<Self> {
        let version = Self::locked_version()?;
        let tools =
            Self { cli: bin()?.join("wasm-bindgen"), test_runner: bin()?.join("wasm-bindgen-test-runner") };
        let installed =
            tools.cli.exists().then(|| Run::new(&tools.cli).arg("--version").output()).transpose()?;
        if installed.as_deref().and_then(version_in) != Some(version.as_str()) || !tools.test_runner.exists()
        {
            WASM_BINDGEN.install(Some(&version))?;
        }
        Ok(tools)
    }

    pub(crate) fn locked_version() -> Result<String> {
        let path = layout::required("Cargo.lock")?;
        let lock = fs::read_to_string(&path).map_err(Error::file(&path))?;
        locked(&lock, "wasm-bindgen").map(str::to_owned).ok_or_else(|| {
            Error::unmet(
                "Cargo.lock names no wasm-bindgen",
                "client-wasm must depend on it: see its Cargo.toml",
            )
        })
    }
}

impl Tool {
    /// Cargo with this subcommand, that of the machine before our own.
    fn subcommand(self, name: &str) -> Result<Run> {
        let cargo = || Ok(Run::cargo().env("PATH", path_with(bin()?)?).arg(name));
        if !cargo()?.arg("--version").succeeds() {
            self.install(None)?;
        }
        cargo()
    }

    /// With the author's own lock file where the registry has all of it, without it where a mirror lags behind.
    fn install(self, version: Option<&str>) -> Result {
        let install = |locked: &[&str]| {
            let root = layout::target("tools")?;
            let version = version.map(|version| ["--version".to_owned(), format!("={version}")]);
            Ok(Run::cargo()
                .args(["install", "--force", "--root"])
                .arg(root)
                .args(locked)
                .args(self.options)
                .args(version.into_iter().flatten())
                .arg(self.krate)
                .advice(format!(
                    "`cargo install {}` needs a package registry: check the network",
                    self.krate
                )))
        };
        step(&format!("install {} (once, about two minutes)", self.krate), || {
            install(&["--locked"])?.go().or_else(|_| {
                println!("    again with the versions that this registry has");
                install(&[])?.go()
            })
        })
    }
}

/// The machine's programs, then those of `folder`.
fn path_with(folder: PathBuf) -> Result<OsString> {
    let machine = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(std::env::split_paths(&machine).chain([folder])).map_err(|error| {
        Error::unmet(format!("PATH: {error}"), "take the quotation marks and colons out of PATH")
    })
}

fn bin() -> Result<PathBuf> {
    layout::target("tools/bin")
}

/// The version of `package` in a lock file.
fn locked<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')
}

/// The version in what a program prints about itself, such as `wasm-bindgen 0.2.130 (1a2b3c)`.
fn version_in(text: &str) -> Option<&str> {
    text.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::{locked, version_in};

    const LOCK: &str = "[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.50\"\n\n\
        [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"registry\"\n";

    #[test]
    fn the_locked_version_is_that_of_the_whole_name() {
        assert_eq!(locked(LOCK, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(locked(LOCK, "wasm-bindgen-futures"), Some("0.4.50"));
        assert_eq!(locked(LOCK, "wasm"), None);
        assert_eq!(locked("name = \"wasm\"", "wasm"), None);
    }

    #[test]
    fn the_version_is_the_first_word_that_begins_with_a_digit() {
        assert_eq!(version_in("wasm-bindgen 0.2.130\n"), Some("0.2.130"));
        assert_eq!(version_in("wasm-bindgen 0.2.130 (1a2b3c)"), Some("0.2.130"));
        assert_eq!(version_in("unknown"), None);
    }
}
