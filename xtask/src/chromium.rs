//! Debian's Chromium and its WebDriver, which every browser test uses.

use crate::{apt, error::Result};

/// Where Debian puts the browser.
pub(crate) const BROWSER: &str = "/usr/bin/chromium";

/// Where Debian puts its driver.
pub(crate) const DRIVER: &str = "/usr/bin/chromedriver";

/// Installs both if one is missing.
pub(crate) fn ready() -> Result {
    apt::ready(&[(BROWSER, "chromium"), (DRIVER, "chromium-driver")])
}
