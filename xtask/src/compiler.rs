//! The compiler for WebAssembly: rustup's target where it can be had, Debian's compiler otherwise.
//!
//! Both build the same sources with the same profile. Debian's also builds the standard library, and may therefore
//! leave panic messages out of it; nothing in the browser reads them, so users see no difference but the size.

use std::{path::PathBuf, time::Duration};

use clap::ValueEnum;

use crate::{
    debian::Debian,
    error::{Error, Result},
    layout,
    run::{Run, step},
};

/// The triple of everything built for the browser.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// How long rustup may take to fetch a target of 20 MB before the other way is quicker.
const RUSTUP_LIMIT: Duration = Duration::from_secs(60);

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
    /// The machine's own, with the target's standard library ready.
    Native,
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
            Choice::Auto if has_target()? => Ok(Self::Native),
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
            Self::Native => Run::cargo().arg(command),
            Self::Debian(debian) => debian.cargo(command, purpose)?,
        };
        Ok(run.args(["--target", TARGET]).env("CARGO_TARGET_DIR", Self::folder()?))
    }

    /// Where its artefacts are.
    pub(crate) fn folder() -> Result<PathBuf> {
        layout::target("wasm")
    }

    /// Names the way, for people and stamps.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Native => "the installed wasm target",
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
    if has_target()? {
        return Ok(Compiler::Native);
    }
    let fetched = step(&format!("rustup target add {TARGET}"), || {
        let rustup = Run::new("rustup").args(["target", "add", TARGET]).env("RUSTUP_MAX_RETRIES", "1");
        Ok(rustup.succeeds_within(RUSTUP_LIMIT))
    })?;
    if fetched && has_target()? {
        return Ok(Compiler::Native);
    }
    Err(Error::unmet(
        format!("rustup could not add {TARGET}"),
        format!("run `rustup target add {TARGET}` where the network allows, or set {CHOICE}=debian"),
    ))
}
