//! The results as a table, as JSON, and as a picture.

use std::fmt::Write as _;

use serde::Serialize;

use crate::measure::Measured;

/// All that was measured, and on what.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The machine's processor, as it calls itself.
    pub processor: String,
    /// How many of them.
    pub cores: usize,
    /// Each subject in each scenario.
    pub results: Vec<Measured>,
}

/// The subject that the others are compared with.
const FLOOR: &str = "floor";

impl Report {
    /// Of this machine.
    pub fn new(results: Vec<Measured>) -> Self {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            processor: model.map_or("unknown", |(_, name)| name).to_owned(),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            results,
        }
    }

    /// How often the floor's CPU time a result took.
    pub fn ratio(&self, measured: &Measured) -> Option<f64> {
        let floor = self.results.iter().find(|other| {
            other.subject == FLOOR
                && (other.scenario, other.connections) == (measured.scenario, measured.connections)
        })?;
        Some(measured.cpu_us? / floor.cpu_us?)
    }

    /// For a terminal.
    pub fn table(&self) -> String {
        let mut table = format!("{} x {}\n\n", self.cores, self.processor);
        let heads = ["connections", "CPU µs", "x floor", "per s", "p50 µs", "p99 µs", "KiB", "wrong"];
        let _ = write!(table, "{:<24}{:<22}", "scenario", "subject");
        for head in heads {
            let _ = write!(table, "{head:>12}");
        }
        table.push('\n');
        let mut scenario = ("", 0);
        for measured in &self.results {
            let this = (measured.scenario, measured.connections);
            if scenario != this && !scenario.0.is_empty() {
                table.push('\n');
            }
            scenario = this;
            let number = |value: Option<f64>, digits: usize| {
                value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
            };
            let _ = write!(
                table,
                "{:<24}{:<22}{:>12}",
                measured.scenario, measured.subject, measured.connections
            );
            for cell in [
                number(measured.cpu_us, 2),
                number(self.ratio(measured), 2),
                number(measured.per_second, 0),
                number(measured.latency_us.map(|(half, _)| half), 0),
                number(measured.latency_us.map(|(_, most)| most), 0),
                number(measured.kib, 2),
                measured.wrong.to_string(),
            ] {
                let _ = write!(table, "{cell:>12}");
            }
            table.push('\n');
        }
        table
    }
}
