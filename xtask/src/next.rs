//! The demo's UI: the Next.js app built with our packed packages, as a user would.

use std::{fs, path::Path};

use crate::{
    debian::entries,
    error::{Error, Result},
    layout, npm,
    stamp::Stamp,
    wasm,
};

/// The app's folder.
pub(crate) const APP: &str = "examples/nextjs";

/// Builds the static export, with the tarballs of `target/npm` installed.
pub(crate) fn export() -> Result {
    installed()?;
    let stamp = Stamp::new("static export of the UI")?
        .input(layout::path(APP))
        .input(npm::tarball_folder())
        .output(layout::path(APP).join("out"));
    stamp.unless_unchanged(|| build("build"))
}

/// Builds the page that a server renders, which the end-to-end tests start with `next start`.
pub(crate) fn server_page() -> Result {
    let folder = layout::required("examples/nextjs/ssr-page")?;
    let made = folder.join(".next");
    let stamp = Stamp::new("server-rendered page")?.input(folder).input(npm::tarball_folder()).present(made);
    stamp.unless_unchanged(|| build("build:ssr-page"))
}

fn build(script: &str) -> Result {
    npm::script(APP, script)?
        .env("NEXT_TELEMETRY_DISABLED", "1")
        .advice("read Next.js' errors above; `cargo xtask wasm` builds the packages it imports")
        .go()
}

/// Installs the app's packages, and ours from their tarballs.
pub(crate) fn installed() -> Result {
    npm::ci("npm packages of the UI", APP)?;
    let stamp = Stamp::new("our packages in the UI")?
        .input(npm::tarball_folder())
        .output(layout::path(APP).join("node_modules/@tidings"));
    stamp.unless_unchanged(|| npm::install_tarballs(APP))
}

/// Checks that what the app imports is what was just built, byte for byte, the wasm among it.
pub(crate) fn installed_is_built() -> Result {
    let packages = [("client", "client-wasm/pkg"), ("coaching-events", "bindings/wasm/pkg")];
    for (name, built) in packages {
        let installed = layout::path(APP).join("node_modules/@tidings").join(name).join("pkg");
        same(&layout::path(built), &installed)?;
    }
    let wasm = wasm::bindgen_folder().join("coaching_events_bg.wasm");
    let shipped = layout::path("bindings/wasm/pkg/coaching_events_bg.wasm");
    same(&wasm, &shipped)
}

/// Whether all of `built` is in `installed` with the same bytes.
fn same(built: &Path, installed: &Path) -> Result {
    if built.is_dir() {
        let inside = entries(built)?;
        return inside
            .iter()
            .try_for_each(|entry| same(entry, &installed.join(entry.file_name().unwrap_or_default())));
    }
    let read = |path: &Path| fs::read(path).map_err(Error::file(path));
    if read(built)? == read(installed)? {
        return Ok(());
    }
    Err(Error::unmet(
        format!("{} is not {}", installed.display(), built.display()),
        "remove examples/nextjs/node_modules and run `cargo xtask test --only next` again",
    ))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::same;

    #[test]
    fn one_other_byte_or_a_missing_file_is_not_the_same_package() {
        let folder = std::env::temp_dir().join(format!("tidings-xtask-{}-same", std::process::id()));
        let (built, installed) = (folder.join("built"), folder.join("installed"));
        let write = |file: &std::path::Path, content: &str| {
            fs::create_dir_all(file.parent().expect("the file is in a folder"))
                .expect("temporary folders are writable");
            fs::write(file, content).expect("temporary folders are writable");
        };
        write(&built.join("inner/module.wasm"), "wasm");
        write(&installed.join("inner/module.wasm"), "wasm");
        write(&installed.join("more"), "an installer may add files");
        assert!(same(&built, &installed).is_ok());
        write(&installed.join("inner/module.wasm"), "wasn");
        assert!(same(&built, &installed).is_err());
        fs::remove_file(installed.join("inner/module.wasm")).expect("it was written above");
        assert!(same(&built, &installed).is_err());
        fs::remove_dir_all(folder).expect("the folder is the test's own");
    }
}
