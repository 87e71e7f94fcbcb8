//! Debian's Rust compiler, unpacked below `target/toolchain` without being installed.
//!
//! `rustc-web` and the standard library's source are in every Debian archive that a machine without rustup's
//! downloads can still reach. Nothing is displaced and no root is needed: the packages are only unpacked, and cargo
//! is told where the compiler is.

use std::{
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Result},
    layout,
    run::{Run, step},
};

/// The unpacked compiler.
#[derive(Debug)]
pub(crate) struct Debian {
    /// Its `usr`, which is also its sysroot.
    usr: PathBuf,
}

impl Debian {
    /// The compiler, fetched and unpacked if it is not there yet.
    pub(crate) fn ready() -> Result<Self> {
        match Self::unpacked() {
            Some(debian) => Ok(debian),
            None => step("unpack Debian's Rust compiler (once)", Self::fetch),
        }
    }

    /// The compiler of an earlier run. The folder gets its name last, so it is whole.
    pub(crate) fn unpacked() -> Option<Self> {
        let usr = layout::path("target/toolchain/debian/usr");
        usr.is_dir().then_some(Self { usr })
    }

    fn fetch() -> Result<Self> {
        let scratch = layout::path("target/toolchain/unpacking");
        layout::clear(&scratch)?;
        let packages = layout::target("toolchain/unpacking/packages")?;
        let advice = "this needs Debian or Ubuntu with a reachable archive: check `apt-get update`";
        if is_root() {
            Run::new("apt-get").args(["update", "-qq"]).advice(advice).go()?;
        }
        Run::new("apt-get").args(["download", "-qq"]).args(wanted()?).dir(&packages).advice(advice).go()?;
        let whole = scratch.join("whole");
        for package in entries(&packages)? {
            Run::new("dpkg").arg("-x").arg(package).arg(&whole).go()?;
        }
        lift_libraries(&whole.join("usr/lib"))?;
        let place = layout::path("target/toolchain/debian");
        fs::rename(&whole, &place).map_err(Error::file(&place))?;
        layout::clear(&scratch)?;
        Ok(Self { usr: place.join("usr") })
    }

    /// `cargo <command>` with this compiler; the standard library must be built along.
    pub(crate) fn cargo(&self, command: &str) -> Result<Run> {
        let run = match command {
            "clippy" => Run::new(self.usr.join("bin/cargo-clippy")).arg("clippy"),
            _ => Run::cargo().arg(command),
        };
        Ok(run
            .env("RUSTC", self.usr.join("bin/rustc"))
            .env("RUSTDOC", self.usr.join("bin/rustdoc"))
            .env("LD_LIBRARY_PATH", self.usr.join("lib"))
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker()?))
    }
}

/// The packages that make a compiler. Two names carry versions that security updates move, so Debian is asked.
fn wanted() -> Result<Vec<String>> {
    let depends = |package: &str, prefix: &str| {
        let text = Run::new("apt-cache").args(["depends", package]).output()?;
        dependency(&text, prefix).map(str::to_owned).ok_or_else(|| {
            Error::unmet(
                format!("Debian's {package} depends on no {prefix}*"),
                "run `apt-get update`; if it stays so, the archive has no rustc-web",
            )
        })
    };
    let library = depends("libstd-rust-web-dev", "libstd-rust-web-")?;
    let llvm = depends(&library, "libllvm")?;
    let fixed = ["rustc-web", "libstd-rust-web-dev", "rust-web-src", "rust-web-clippy"];
    Ok(fixed.into_iter().map(str::to_owned).chain([library, llvm]).collect())
}

/// The first dependency whose name begins with `prefix`, in the words of `apt-cache depends`.
fn dependency<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: "))
        .find(|name| name.starts_with(prefix))
}

/// rustc looks for its libraries in `lib`, Debian keeps them in `lib/<architecture>`.
fn lift_libraries(lib: &Path) -> Result {
    let of_architecture =
        |path: &PathBuf| path.extension().is_none() && path.to_string_lossy().ends_with("-linux-gnu");
    for folder in entries(lib)?.into_iter().filter(of_architecture) {
        for library in entries(&folder)?.into_iter().filter(|path| path.to_string_lossy().contains(".so")) {
            let place = lib.join(library.file_name().unwrap_or_default());
            fs::copy(&library, &place).map_err(Error::file(place))?;
        }
    }
    Ok(())
}

/// The linker for wasm comes with rustup's compiler, beside its own target's libraries.
fn linker() -> Result<OsString> {
    let libraries = Run::new("rustc").args(["--print", "target-libdir"]).output()?;
    let linker = Path::new(libraries.trim()).parent().map(|host| host.join("bin/rust-lld"));
    linker.filter(|linker| linker.exists()).map(PathBuf::into_os_string).ok_or_else(|| {
        Error::unmet("the installed Rust has no rust-lld", "install Rust with rustup (https://rustup.rs)")
    })
}

/// Whether packages may be installed.
pub(crate) fn is_root() -> bool {
    Run::new("id").arg("-u").output().is_ok_and(|id| id.trim() == "0")
}

/// What a folder holds, in name order.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::file(folder))? {
        entries.push(entry.map_err(Error::file(folder))?.path());
    }
    entries.sort_by(|one, other| OsStr::cmp(one.as_os_str(), other.as_os_str()));
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::dependency;

    #[test]
    fn a_dependency_is_found_by_its_beginning_and_never_among_the_conflicts() {
        let text = "libstd-rust-web-1.96\n  Depends: libc6\n |Depends: libllvm9\n  Depends: libllvm22\n  Conflicts: libllvm7\n";
        assert_eq!(dependency(text, "libllvm"), Some("libllvm22"));
        assert_eq!(dependency(text, "rustc"), None);
    }
}
