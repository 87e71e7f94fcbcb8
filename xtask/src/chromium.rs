//! Debian's Chromium and its WebDriver, which every browser test uses.

use std::path::Path;

use crate::{
    debian::is_root,
    error::{Error, Result},
    run::{Run, step},
};

/// Where Debian puts the browser.
pub(crate) const BROWSER: &str = "/usr/bin/chromium";

/// Where Debian puts its driver.
pub(crate) const DRIVER: &str = "/usr/bin/chromedriver";

/// Installs both if one is missing.
pub(crate) fn ready() -> Result {
    if present() {
        return Ok(());
    }
    let by_hand = "run `apt-get update && apt-get install chromium chromium-driver` as root";
    if !is_root() {
        return Err(Error::unmet(format!("{BROWSER} or {DRIVER} is missing"), by_hand));
    }
    step("install chromium and chromium-driver (once)", || {
        let apt = || Run::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").advice(by_hand);
        apt().args(["update", "-qq"]).go()?;
        apt().args(["install", "-y", "-qq", "--no-install-recommends", "chromium", "chromium-driver"]).go()
    })?;
    if present() {
        return Ok(());
    }
    Err(Error::unmet(format!("Debian's packages brought no {BROWSER} or {DRIVER}"), by_hand))
}

fn present() -> bool {
    [BROWSER, DRIVER].iter().all(|program| Path::new(program).exists())
}
