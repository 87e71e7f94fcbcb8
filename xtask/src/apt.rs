//! Debian packages that a stage needs, installed where their programs are missing.

use std::path::Path;

use crate::{
    debian::is_root,
    error::{Error, Result},
    run::{Run, step},
};

/// A program, and the package that brings it.
pub(crate) type Program = (&'static str, &'static str);

/// Installs the packages of those `programs` that are missing.
pub(crate) fn ready(programs: &[Program]) -> Result {
    let absent = || programs.iter().filter(|(program, _)| !Path::new(program).exists());
    let packages: Vec<_> = absent().map(|(_, package)| *package).collect();
    let Some((program, _)) = absent().next() else { return Ok(()) };
    let list = packages.join(" ");
    let by_hand = format!("run `apt-get update && apt-get install {list}` as root");
    if !is_root() {
        return Err(Error::unmet(format!("{program} is missing"), by_hand));
    }
    step(&format!("install {list} (once)"), || {
        let apt = || Run::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").advice(by_hand.clone());
        apt().args(["update", "-qq"]).go()?;
        apt().args(["install", "-y", "-qq", "--no-install-recommends"]).args(&packages).go()
    })?;
    match absent().next() {
        None => Ok(()),
        Some((program, package)) => {
            Err(Error::unmet(format!("Debian's {package} brought no {program}"), by_hand))
        }
    }
}
