//! The compiler for WebAssembly: rustup's target where it can be had, Debian's compiler otherwise.
//!
//! Both build the same sources with the same profile. Where the standard library's source is there (rustup's
//! `rust-src`, Debian's always), what is shipped is built with it, without panic messages: nothing in the browser
//! reads them, so users see no difference but the size.

use std::{path::PathBuf, time::Duration};

use clap::ValueEnum;

use crate::{
    debian::Debian,
    error::{Error, Result},
    layout, paths,
    run::{Run, step},
};

/// The triple of everything built for the browser.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// How long rustup may take to fetch a target of 20 MB before the other way is quicker.
const RUSTUP_LIMIT: Duration = Duration::from_secs(60);

/// Builds the standard library along: with its smaller algorithms where it is shipped.
const BUILD_STD: &str = "-Zbuild-std=std,panic_abort";
const SMALL_STD: &str = "-Zbuild-std-features=optimize_for_size";

/// Takes the panic machinery out of everything, the standard library included.
const NO_PANICS: [&str; 2] = ["-Zunstable-options", "-Cpanic=immediate-abort"];

/// Chooses the way, for machines where the choice must be forced.
const CHOICE: &str = "TIDINGS_WASM_COMPILER";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Choice {
    Auto,
    Rustup,
    Debian,
}

/// A compiler that has the wasm target.
#[derive(Debug)]
pub(crate) enum Compiler {
    /// The machine's own, with the target's standard library ready and perhaps its source.
    Native { has_source: bool },
    /// Debian's, unpacked below `target/`, which builds the standard library from source.
    Debian(Debian),
}

/// What the wasm is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be downloaded by browsers: size counts.
    Ship,
    /// To be tested or looked at: panic messages count.
    Check,
}

impl Compiler {
    /// Finds one, fetching what is missing.
    pub(crate) fn ready() -> Result<Self> {
        match choice()? {
            Choice::Rustup => fetch_target(),
            Choice::Debian => Debian::ready().map(Self::Debian),
            Choice::Auto if has_target()? => native(),
            Choice::Auto => match Debian::unpacked() {
                Some(debian) => Ok(Self::Debian(debian)),
                None => fetch_target().or_else(|_| {
                    println!("    rustup cannot fetch {TARGET} here; taking Debian's compiler instead");
                    Debian::ready().map(Self::Debian)
                }),
            },
        }
    }

    /// `cargo <command> --target wasm32-unknown-unknown`, in a target folder of its own: the other compiler's
    /// artefacts would be rebuilt in turns otherwise.
    pub(crate) fn cargo(&self, command: &str, purpose: Purpose) -> Result<Run> {
        let run = match self {
            Self::Native { .. } => Run::cargo().arg(command),
            Self::Debian(debian) => debian.cargo(command)?,
        };
        let run = run.args(["--target", TARGET]).env("CARGO_TARGET_DIR", Self::folder()?);
        Ok(match (self, purpose) {
            (Self::Native { has_source: false }, Purpose::Ship) => with_flags(run, &[])?,
            (_, Purpose::Ship) => {
                with_flags(run, &NO_PANICS)?.env("RUSTC_BOOTSTRAP", "1").args([BUILD_STD, SMALL_STD])
            }
            (Self::Debian(_), Purpose::Check) => run.env("RUSTC_BOOTSTRAP", "1").arg(BUILD_STD),
            (Self::Native { .. }, Purpose::Check) => run,
        })
    }

    /// Where its artefacts are.
    pub(crate) fn folder() -> Result<PathBuf> {
        layout::target("wasm")
    }

    /// Names the way, for people and stamps.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Native { has_source: true } => "rustup's compiler, its standard library made small",
            Self::Native { has_source: false } => "the installed wasm target",
            Self::Debian(_) => "Debian's compiler",
        }
    }
}

fn choice() -> Result<Choice> {
    let text = std::env::var(CHOICE).unwrap_or_else(|_| "auto".into());
    Choice::from_str(&text, true).map_err(|_| {
        Error::unmet(format!("{CHOICE}={text}"), "set it to auto, rustup or debian, or unset it")
    })
}

/// Asks the compiler itself: rustup is only one of the ways to have a target.
fn has_target() -> Result<bool> {
    let folder = Run::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output()?;
    Ok(PathBuf::from(folder.trim()).is_dir())
}

fn fetch_target() -> Result<Compiler> {
    if has_target()? || (fetched(&["target", "add", TARGET])? && has_target()?) {
        return native();
    }
    Err(Error::unmet(
        format!("rustup could not add {TARGET}"),
        format!("run `rustup target add {TARGET}` where the network allows, or set {CHOICE}=debian"),
    ))
}

/// The machine's own compiler. The standard library's source is worth a download, but nothing depends on it.
fn native() -> Result<Compiler> {
    let has_source = has_source()? || (fetched(&["component", "add", "rust-src"])? && has_source()?);
    if !has_source {
        println!(
            "    rustup cannot fetch rust-src here: the wasm will be some kilobytes larger than elsewhere"
        );
    }
    Ok(Compiler::Native { has_source })
}

fn has_source() -> Result<bool> {
    let sysroot = Run::new("rustc").args(["--print", "sysroot"]).output()?;
    Ok(PathBuf::from(sysroot.trim()).join("lib/rustlib/src/rust/library/std").is_dir())
}

/// Whether rustup did as it was told.
fn fetched(command: &[&str]) -> Result<bool> {
    step(&format!("rustup {}", command.join(" ")), || {
        let rustup = Run::new("rustup").args(command).env("RUSTUP_MAX_RETRIES", "1");
        Ok(rustup.succeeds_within(RUSTUP_LIMIT))
    })
}

/// Flags of rustc, given so that one may have blanks within; unlike a configuration's, they are all there are.
fn with_flags(run: Run, flags: &[&str]) -> Result<Run> {
    let remaps = paths::remaps()?;
    let all: Vec<_> = flags.iter().copied().chain(remaps.iter().map(String::as_str)).collect();
    Ok(run.env("CARGO_ENCODED_RUSTFLAGS", all.join("\u{1f}")))
}
