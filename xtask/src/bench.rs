//! `cargo xtask bench`: what a delivered event costs, in time beside a floor, or in instructions.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf};

use crate::{
    apt, chromium,
    error::{Error, Result},
    layout, next,
    run::{Run, step},
    wasm,
};

/// What each path cost when it was counted last, one `name instructions` a line, below the compiler's version.
const COUNTS: &str = "bench/instructions.txt";

/// How much more a path may cost before somebody must say that it is worth it, in per cent.
const TOLERATED: u64 = 5;

/// The same where another compiler made the program that was counted: what a new one makes of it differs by a few per
/// cent, and a loop in a loop by more than this.
const TOLERATED_OF_ANOTHER_COMPILER: u64 = 25;

/// A path is gone this often and once more so often; the difference holds no start-up.
const TIMES: [u64; 2] = [20, 220];

/// Play the load of many readers against the server, and against a floor that does nothing but write: the ratio is
/// what the server costs.
///
/// Takes two cores and about three minutes; servers run on the first core, the readers on the second. Prints a
/// table; target/bench has the numbers as JSON and a picture.
#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    /// Count the instructions of each path instead, and compare them with those in bench/instructions.txt.
    #[arg(long)]
    count: bool,
    /// Write what is counted to bench/instructions.txt.
    #[arg(long, requires = "count")]
    bless: bool,
    /// Measure what an event costs a page in Chromium instead, beside a plain EventSource.
    #[arg(long, conflicts_with = "count")]
    browser: bool,
    /// What the program that plays is told, after `--`; `-- --help` says what it knows.
    #[arg(last = true)]
    options: Vec<String>,
}

impl Bench {
    pub(crate) fn run(&self) -> Result {
        if self.bless {
            let counts = counts()?;
            let path = layout::path(COUNTS);
            return fs::write(&path, written(&compiler()?, &counts)).map_err(Error::file(path));
        }
        if self.count {
            return compare();
        }
        if self.browser {
            chromium::ready()?;
            wasm::packages()?;
            next::installed()?;
            return Run::new("node").arg(layout::path("bench/browser/run.mjs")).go();
        }
        let folder = layout::target("bench")?;
        let (json, picture) = (folder.join("bench.json"), folder.join("bench.svg"));
        let run = Run::new(program()?).arg("run").arg("--json").arg(json).arg("--svg").arg(picture);
        run.args(&self.options).become_it()
    }
}

/// The stage of the test command: no path costs more than it did, and nothing is lost under load.
pub(crate) fn stage() -> Result {
    compare()?;
    let options = ["run", "--connections", "300", "--subjects", "tidings", "--only", "fan-out"];
    Run::new(program()?).args(options).advice("the table says what was lost").go()
}

fn program() -> Result<PathBuf> {
    step("build the servers and the readers", || {
        Run::cargo().args(["build", "--release", "--package", "tidings-bench"]).go()
    })?;
    Ok(layout::path("target/release/tidings-bench"))
}

/// Counts what `rustc` made of it, so it is only comparable for the same one.
fn compiler() -> Result<String> {
    Run::new("rustc").arg("--version").output().map(|version| version.trim().to_owned())
}

fn written(compiler: &str, counts: &BTreeMap<String, u64>) -> String {
    let mut text = format!("{compiler}\n");
    for (path, count) in counts {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{path} {count}");
    }
    text
}

fn counts() -> Result<BTreeMap<String, u64>> {
    apt::ready(&[("/usr/bin/valgrind", "valgrind")])?;
    let program = program()?;
    let paths = Run::new(&program).args(["count", "--list"]).output()?;
    step("count instructions", || {
        paths.lines().map(|path| Ok((path.to_owned(), count(&program, path)?))).collect()
    })
}

fn count(program: &PathBuf, path: &str) -> Result<u64> {
    let [few, many] = TIMES.map(|times| {
        let out = layout::target("bench")?.join("count.txt");
        Run::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(format!("--log-file={}", out.display()))
            .arg(program)
            .args(["count", path, &times.to_string()])
            .go()?;
        let log = fs::read_to_string(&out).map_err(Error::file(&out))?;
        let collected =
            log.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse::<u64>().ok());
        collected.ok_or_else(|| {
            Error::unmet("valgrind did not say how many instructions", "read target/bench/count.txt")
        })
    });
    Ok((many? - few?) / (TIMES[1] - TIMES[0]))
}

fn compare() -> Result {
    const BLESS: &str = "run `cargo xtask bench --count --bless`, and say in the commit why it is so";
    let path = layout::path(COUNTS);
    let text = fs::read_to_string(&path).map_err(Error::file(&path))?;
    let (version, lines) = text.split_once('\n').unwrap_or_default();
    let compiler = compiler()?;
    let tolerated = if version == compiler { TOLERATED } else { TOLERATED_OF_ANOTHER_COMPILER };
    if version != compiler {
        println!("counted with {version}, and this is {compiler}: {tolerated} % more are tolerated");
    }
    let before: BTreeMap<&str, u64> = lines
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(path, count)| Some((path, count.parse().ok()?)))
        .collect();
    let mut worse = Vec::new();
    for (path, now) in counts()? {
        let Some(then) = before.get(&*path) else {
            return Err(Error::unmet(format!("{path} is not in {COUNTS}"), BLESS));
        };
        println!("{path:<10}{now:>10} instructions, {then} before");
        if now * 100 > then * (100 + tolerated) {
            worse.push(path);
        }
    }
    if worse.is_empty() {
        return Ok(());
    }
    let what = format!("{} cost over {tolerated} % more instructions than before", worse.join(", "));
    Err(Error::unmet(what, format!("find out why; if it is worth it, {BLESS}")))
}
