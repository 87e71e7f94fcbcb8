//! `cargo xtask size`: what importing the coaching package costs a page.

use crate::{
    error::{Error, Result},
    layout, npm,
    run::{Run, step},
    wasm,
};

/// Print what importing the default entry costs, gzipped, and what the others add to it; fail above 40 kB.
///
/// Bundles and minifies `import * from "@tidings/coaching-events"` from the packed tarballs, wasm inlined, as an
/// app's bundler would, and counts the gzipped bytes. Nothing is shaken out: it is the most a page can pay. Fails too
/// where the default entry contains another one, or an import that uses nothing costs anything.
#[derive(Debug, clap::Args)]
pub(crate) struct Size {}

/// The promise of the README, in bytes: 40 kB, a kilobyte being 1,000 bytes.
const LIMIT: u64 = 40_000;

impl Size {
    #[expect(clippy::unused_self, reason = "every command has this shape")]
    pub(crate) fn run(&self) -> Result {
        wasm::packages()?;
        check()
    }
}

/// Measures the packed packages.
pub(crate) fn check() -> Result {
    let parts = step("measure the default entry", measure)?;
    println!("    {:<44} {:>9} {:>9}", "part", "bytes", "gzip");
    for part in &parts {
        println!("    {:<44} {:>9} {:>9}", part.name, part.bytes, part.gzip);
    }
    let Some(total) = parts.iter().find(|part| part.name == "total") else {
        return Err(Error::unmet(
            "xtask/npm/size.mjs printed no total",
            "run it by hand and read its output",
        ));
    };
    if total.gzip <= LIMIT {
        println!("    {} of {LIMIT} bytes", total.gzip);
        return Ok(());
    }
    Err(Error::unmet(
        format!("the default entry costs {} bytes gzipped, {LIMIT} are allowed", total.gzip),
        "find what grew: compare the parts above with those of the last commit that passed",
    ))
}

#[derive(Debug, PartialEq, Eq)]
struct Part {
    name: String,
    bytes: u64,
    gzip: u64,
}

fn measure() -> Result<Vec<Part>> {
    let folder = layout::target("size")?;
    layout::clear(&folder.join("node_modules"))?;
    Run::new("npm")
        .dir(&folder)
        .args(["install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--legacy-peer-deps"])
        .args(["--prefer-offline", "--loglevel", "error", "--prefix", "."])
        .args(npm::tarballs()?)
        .go()?;
    let printed = Run::new("node").arg(layout::required("xtask/npm/size.mjs")?).arg(&folder).output()?;
    printed
        .lines()
        .map(|line| {
            part(line)
                .ok_or_else(|| Error::unmet(format!("xtask/npm/size.mjs printed `{line}`"), "run it by hand"))
        })
        .collect()
}

/// One line of `size.mjs`: bytes, gzipped bytes, name, separated by tabs.
fn part(line: &str) -> Option<Part> {
    let mut fields = line.splitn(3, '\t');
    let mut number = || fields.next()?.parse().ok();
    let (bytes, gzip) = (number()?, number()?);
    Some(Part { name: fields.next()?.to_owned(), bytes, gzip })
}

#[cfg(test)]
mod tests {
    use super::{Part, part};

    #[test]
    fn a_line_of_the_measuring_script_is_a_part() {
        let expected = Part { name: "the wasm".into(), bytes: 90_000, gzip: 31_000 };
        assert_eq!(part("90000\t31000\tthe wasm"), Some(expected));
        assert_eq!(part("warning: something"), None);
        assert_eq!(part("1\tx\tname"), None);
    }
}
