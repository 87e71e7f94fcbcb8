//! `cargo xtask fuzz`: every fuzz target, for a number of seconds each.

use std::path::PathBuf;

use crate::{
    apt,
    debian::entries,
    error::{Error, Result},
    layout,
    run::step,
    tools,
};

/// Run the fuzz targets of fuzz/fuzz_targets, each for a number of seconds.
///
/// Works with stable Rust (no sanitizer). A crash leaves its input below fuzz/artifacts and prints the command that
/// repeats it.
#[derive(Debug, clap::Args)]
pub(crate) struct Fuzz {
    /// How long each target runs.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Run only this target.
    #[arg(long)]
    target: Option<String>,
}

impl Fuzz {
    pub(crate) fn run(&self) -> Result {
        let targets = targets()?;
        let chosen: Vec<_> = match &self.target {
            None => targets,
            Some(name) if targets.contains(name) => vec![name.clone()],
            Some(name) => {
                let known = targets.join(", ");
                return Err(Error::unmet(
                    format!("there is no fuzz target {name}"),
                    format!("choose of: {known}"),
                ));
            }
        };
        run(&chosen, self.seconds)
    }
}

/// Runs every target.
pub(crate) fn all(seconds: u32) -> Result {
    run(&targets()?, seconds)
}

fn run(targets: &[String], seconds: u32) -> Result {
    // libFuzzer is C++.
    apt::ready(&[("/usr/bin/c++", "g++")])?;
    let cargo_fuzz = tools::fuzz()?;
    step("build the fuzz targets", || cargo_fuzz.args(["build", "-s", "none"]).go())?;
    targets.iter().try_for_each(|target| {
        step(&format!("fuzz {target} for {seconds} s"), || {
            tools::fuzz()?
                .args(["run", "-s", "none", target])
                .args(corpora(target)?)
                .args(["--", &format!("-max_total_time={seconds}"), "-print_final_stats=1", "-verbosity=0"])
                .advice("the input that broke it is named above: make a test of it, then repair")
                .go()
        })
    })
}

/// Where new inputs go, then what is committed for the target.
fn corpora(target: &str) -> Result<Vec<PathBuf>> {
    let found = layout::path(&format!("fuzz/corpus/{target}"));
    std::fs::create_dir_all(&found).map_err(Error::file(&found))?;
    let seeds = layout::path(&format!("fuzz/seeds/{target}"));
    Ok([found].into_iter().chain(seeds.is_dir().then_some(seeds)).collect())
}

fn targets() -> Result<Vec<String>> {
    layout::required("fuzz/Cargo.toml")?;
    let files = entries(&layout::required("fuzz/fuzz_targets")?)?;
    let names: Vec<_> = files
        .iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .filter_map(|file| file.file_stem())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    if names.is_empty() {
        return Err(Error::unmet(
            "fuzz/fuzz_targets holds no target",
            "restore it (`git status` shows what is missing)",
        ));
    }
    Ok(names)
}
