//! npm: packages by their lock file, our own as tarballs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    debian::entries,
    error::{Error, Result},
    layout,
    run::Run,
    stamp::Stamp,
};

/// The oldest Node that all of the JavaScript here runs on.
const NODE: u32 = 20;

/// The folder our own packages are packed into.
const TARBALLS: &str = "target/npm";

/// `npm` in a folder of the checkout, quiet about everything but errors.
pub(crate) fn npm(folder: &str) -> Result<Run> {
    Ok(Run::new("npm").dir(layout::required(folder)?).env("npm_config_loglevel", "error"))
}

/// Refuses a Node that is too old before anything is built with it.
pub(crate) fn node_ready() -> Result {
    let version = Run::new("node").arg("--version").output()?;
    if major(&version).is_some_and(|major| major >= NODE) {
        return Ok(());
    }
    Err(Error::unmet(format!("Node is {}", version.trim()), format!("install Node {NODE} or newer")))
}

/// Installs exactly what the folder's lock file names, unless that is what is there.
pub(crate) fn ci(name: &'static str, folder: &str) -> Result {
    let manifest = layout::required(&format!("{folder}/package.json"))?;
    let lock = layout::required(&format!("{folder}/package-lock.json"))?;
    let installed = layout::path(folder).join("node_modules");
    let stamp = Stamp::new(name)?.input(manifest).input(lock).present(installed);
    stamp.unless_unchanged(|| {
        npm(folder)?
            .args(["ci", "--no-audit", "--no-fund"])
            .advice(format!(
                "if npm calls the lock file out of step: `npm install` in {folder}, with versions of which the \
                 registry has every platform's package; otherwise check the network with `npm ping`"
            ))
            .go()
    })
}

/// Runs a script of the folder's package.
pub(crate) fn script(folder: &str, script: &str) -> Result<Run> {
    Ok(npm(folder)?.args(["run", script]))
}

/// Packs one of our packages; the tarball of an earlier version goes.
pub(crate) fn pack(folder: &str, prefix: &str) -> Result {
    for old in tarballs()?.into_iter().filter(|path| named(path, prefix)) {
        fs::remove_file(&old).map_err(Error::file(old))?;
    }
    npm(folder)?.args(["pack", "--pack-destination"]).arg(layout::target("npm")?).go()
}

/// Installs our packed packages into a folder, as a user would but without writing them down.
pub(crate) fn install_tarballs(folder: &str) -> Result {
    layout::clear(&layout::path(folder).join("node_modules/@tidings"))?;
    npm(folder)?
        .args(["install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--prefer-offline"])
        .args(tarballs()?)
        .go()
}

/// All that is packed.
pub(crate) fn tarballs() -> Result<Vec<PathBuf>> {
    let packed = entries(&layout::target("npm")?)?;
    Ok(packed
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "tgz"))
        .collect())
}

/// The folder of [`tarballs`], for stamps.
pub(crate) fn tarball_folder() -> PathBuf {
    layout::path(TARBALLS)
}

/// `tidings-client-0.1.0.tgz` is of `tidings-client`, `tidings-client-extra-0.1.0.tgz` is not.
fn named(path: &Path, prefix: &str) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit()))
}

fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{major, named};

    #[test]
    fn the_major_version_is_the_number_after_the_v() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("20"), None);
        assert_eq!(major("vX.1"), None);
    }

    #[test]
    fn a_tarball_belongs_to_the_package_with_its_whole_name() {
        let of_client = |name| named(Path::new(name), "tidings-client");
        assert!(of_client("target/npm/tidings-client-0.1.0.tgz"));
        assert!(!of_client("target/npm/tidings-client-extra-0.1.0.tgz"));
        assert!(!of_client("target/npm/tidings-coaching-events-0.1.0.tgz"));
    }
}
