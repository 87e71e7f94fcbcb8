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
        table.push_str(&self.slopes());
        table
    }

    /// How much more a delivery costs with the most connections than with the fewest, of each subject.
    fn slopes(&self) -> String {
        let mut text = String::new();
        for fewest in &self.results {
            let same =
                |other: &&Measured| (other.scenario, &*other.subject) == (fewest.scenario, &*fewest.subject);
            let Some(most) = self.results.iter().rev().find(same) else { continue };
            let is_first = self.results.iter().find(same).is_some_and(|first| std::ptr::eq(first, fewest));
            if let (true, Some(few), Some(many)) = (is_first, fewest.cpu_us, most.cpu_us)
                && fewest.connections < most.connections
            {
                let (scenario, subject) = (fewest.scenario, &fewest.subject);
                let (from, to) = (fewest.connections, most.connections);
                let _ = writeln!(
                    text,
                    "{scenario:<24}{subject:<22}from {from} to {to} streams: x {:.2}",
                    many / few
                );
            }
        }
        if text.is_empty() { text } else { format!("\n{text}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_ratios_to_the_floor_and_slopes_from_the_fewest_to_the_most_streams() {
        let measured = |subject: &str, connections, cpu_us| Measured {
            cpu_us: Some(cpu_us),
            ..Measured::new("burst", subject, connections)
        };
        let results = vec![
            measured("floor", 10, 2.0),
            measured("tidings", 10, 3.0),
            measured("floor", 100, 4.0),
            measured("tidings", 100, 4.5),
        ];
        let report = Report { results, ..Report::new(Vec::new()) };
        let table = report.table();
        let lines: Vec<Vec<_>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert!(
            lines
                .iter()
                .any(|line| line[..] == ["burst", "tidings", "10", "3.00", "1.50", "-", "-", "-", "-", "0"])
        );
        for (subject, slope) in [("floor", "2.00"), ("tidings", "1.50")] {
            let expected = ["burst", subject, "from", "10", "to", "100", "streams:", "x", slope];
            assert!(lines.iter().any(|line| line[..] == expected), "{table}");
        }
    }
}
