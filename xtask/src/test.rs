//! `cargo xtask test`: all that must hold before a push.

use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::{
    error::Result,
    run::minutes,
    stage::{Length, Stage},
};

/// Run all tests, in stages; the first failure ends it. About 20 minutes on two cores.
///
/// Fetches what is missing: cargo-nextest, cargo-fuzz, wasm-bindgen (below target/tools), the wasm target, Debian's
/// chromium, chromium-driver, postgresql, nginx and iproute2, npm packages. Nothing is skipped. CI runs exactly this.
#[derive(Debug, clap::Args)]
pub(crate) struct Test {
    /// Take more time where tests can use it: 60 s per fuzz target, three rounds of chaos per store,
    /// the packages in more bundlers, TIDINGS_LONG=1 for tests that read it.
    #[arg(long)]
    long: bool,
    /// Run only these stages, in their order.
    #[arg(long, value_name = "STAGE", num_args = 1.., value_delimiter = ',', conflicts_with = "from")]
    only: Vec<Stage>,
    /// Begin with this stage.
    #[arg(long, value_name = "STAGE")]
    from: Option<Stage>,
}

/// A stage that ran.
#[derive(Debug)]
struct Report {
    stage: Stage,
    elapsed: Duration,
}

impl Test {
    pub(crate) fn run(&self) -> Result {
        let length = if self.long { Length::Long } else { Length::Short };
        let mut reports = Vec::new();
        for stage in chosen(&self.only, self.from) {
            println!("\n==== {} ====", stage.name());
            let started = Instant::now();
            let outcome = stage.run(length);
            reports.push(Report { stage, elapsed: started.elapsed() });
            if let Err(error) = outcome {
                summarise(&reports, Some(stage));
                let (name, long) = (stage.name(), if self.long { " --long" } else { "" });
                eprintln!("\nstage {name} failed; repeat it with `cargo xtask test{long} --only {name}`,");
                eprintln!("then go on with `cargo xtask test{long} --from {name}`");
                return Err(error);
            }
            println!("==== {} passed ({}) ====", stage.name(), minutes(started.elapsed()));
        }
        summarise(&reports, None);
        Ok(())
    }
}

fn chosen(only: &[Stage], from: Option<Stage>) -> Vec<Stage> {
    Stage::value_variants()
        .iter()
        .copied()
        .filter(|stage| only.is_empty() || only.contains(stage))
        .filter(|stage| from.is_none_or(|from| *stage >= from))
        .collect()
}

fn summarise(reports: &[Report], failed: Option<Stage>) {
    println!("\nstage        minutes");
    for report in reports {
        let outcome = if failed == Some(report.stage) { "FAILED" } else { "passed" };
        println!("{:<12} {:>7.1}  {outcome}", report.stage.name(), report.elapsed.as_secs_f64() / 60.0);
    }
    let total: Duration = reports.iter().map(|report| report.elapsed).sum();
    println!("{:<12} {:>7.1}", "total", total.as_secs_f64() / 60.0);
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::chosen;
    use crate::stage::Stage;

    #[test]
    fn without_a_choice_every_stage_runs_in_the_documented_order() {
        let names: Vec<_> = chosen(&[], None).into_iter().map(Stage::name).collect();
        let documented = [
            "format",
            "clippy",
            "rust",
            "doc",
            "bindings",
            "fuzz",
            "chaos",
            "bench",
            "wasm",
            "typescript",
            "next",
            "packages",
            "e2e",
        ];
        assert_eq!(names, documented);
    }

    #[test]
    fn chosen_stages_keep_the_order_of_the_whole() {
        assert_eq!(chosen(&[Stage::Wasm, Stage::Format], None), [Stage::Format, Stage::Wasm]);
        assert_eq!(chosen(&[], Some(Stage::Next)), [Stage::Next, Stage::Packages, Stage::E2e]);
        assert_eq!(chosen(&[], Some(Stage::Format)).len(), Stage::value_variants().len());
    }
}
