//! Keeps this machine's paths out of what is shipped: they are private, and differ from build to build.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Result},
    layout,
    run::Run,
};

/// Tells rustc to call the machine's folders by neutral names.
pub(crate) fn remaps() -> Result<Vec<String>> {
    let named = |(name, folder): (&str, PathBuf)| format!("--remap-path-prefix={}={name}", folder.display());
    Ok(folders()?.into_iter().map(named).collect())
}

/// Refuses a file that holds a path of this machine.
pub(crate) fn absent_from(file: &Path) -> Result {
    let content = fs::read(file).map_err(Error::file(file))?;
    for (_, folder) in folders()? {
        if holds(&content, folder.as_os_str().as_encoded_bytes()) {
            return Err(Error::unmet(
                format!("{} holds the path {}", file.display(), folder.display()),
                "find what writes it there; rustc is told of this folder in xtask/src/paths.rs",
            ));
        }
    }
    Ok(())
}

/// What a path of this machine can begin with. Of several that match, rustc takes the last.
fn folders() -> Result<Vec<(&'static str, PathBuf)>> {
    let sysroot = Run::new("rustc").args(["--print", "sysroot"]).output()?;
    let home = std::env::home_dir().filter(|home| home.parent().is_some());
    let cargo = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo = cargo.or_else(|| home.as_ref().map(|home| home.join(".cargo")));
    let known = [
        home.map(|home| ("home", home)),
        cargo.map(|cargo| ("cargo", cargo)),
        Some(("rust", PathBuf::from(sysroot.trim()))),
        Some(("tidings", layout::root())),
    ];
    Ok(known.into_iter().flatten().collect())
}

fn holds(content: &[u8], path: &[u8]) -> bool {
    content.windows(path.len()).any(|window| window == path)
}

#[cfg(test)]
mod tests {
    use super::{absent_from, remaps};
    use crate::layout;

    #[test]
    fn a_file_with_the_checkouts_path_is_refused_and_one_without_is_not() {
        let file = std::env::temp_dir().join(format!("tidings-xtask-{}-paths", std::process::id()));
        let check = |text: String| {
            std::fs::write(&file, text).expect("the temporary folder is writable");
            absent_from(&file).is_ok()
        };
        let told = check(format!("panicked at {}/protocol/src/lib.rs", layout::root().display()));
        let silent = check("panicked at tidings/protocol/src/lib.rs".to_owned());
        std::fs::remove_file(&file).expect("it was just written");
        assert_eq!((told, silent), (false, true));
    }

    #[test]
    fn the_checkout_is_the_last_that_rustc_is_told_of() {
        let remaps = remaps().expect("there is a compiler");
        let last = remaps.last().expect("there are folders");
        assert_eq!(*last, format!("--remap-path-prefix={}=tidings", layout::root().display()));
    }
}
