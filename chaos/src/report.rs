//! The report as a table.

use std::fmt::Write as _;

use crate::{round::Round, stampede::Stampede};

const MIB: f64 = 1024.0 * 1024.0;

/// The heading of the table of rounds.
pub(crate) fn heading() -> String {
    format!(
        "{:<10} {:>5} {:<22} {:>5} {:>6} {:>6} {:>6} {:>7} {:>8} {:>9} {:>23} {:>5} {:>5} {:>5} {:>5} {:>5} {:>5} {:>7}  {}",
        "store",
        "round",
        "faults",
        "s",
        "acked",
        "per s",
        "no ack",
        "(seen)",
        "deliver.",
        "reconn.",
        "cut/reset/black/1-byte",
        "gaps",
        "lost",
        "dup.",
        "order",
        "other",
        "odd",
        "MiB",
        "verdict"
    )
}

/// One line of it.
pub(crate) fn line(round: &Round) -> String {
    let faults: Vec<_> = round.faults.iter().map(ToString::to_string).collect();
    let network = round.network;
    let verdict = &round.verdict;
    let mut line = format!(
        "{:<10} {:>5} {:<22} {:>5.0} {:>6} {:>6.0} {:>6} {:>7} {:>8} {:>9} {:>23} {:>5} {:>5} {:>5} {:>5} {:>5} {:>5} {:>7.1}  {}",
        if round.instances > 1 {
            format!("{}*{}", round.store.name(), round.instances)
        } else {
            round.store.name().to_owned()
        },
        round.number + 1,
        if faults.is_empty() { "network".to_owned() } else { faults.join(", ") },
        round.seconds,
        round.acknowledged,
        round.rate,
        round.unknown,
        verdict.unacknowledged_seen,
        verdict.delivered,
        round.reconnects,
        format!("{}/{}/{}/{}", network.cuts, network.resets, network.black_holes, network.crumbled),
        verdict.gaps,
        verdict.lost,
        verdict.duplicated,
        verdict.reordered,
        verdict.foreign,
        verdict.strange,
        round.resident as f64 / MIB,
        if round.is_clean() { "ok" } else { "FAILED" },
    );
    details(&mut line, &round.troubles, &verdict.examples);
    line
}

/// A graceful restart under a crowd.
pub(crate) fn stampede(stampede: &Stampede) -> String {
    let mut text = format!(
        "graceful restart of {} under {} clients: away for {:.1} s, then at most {} back within one second ({:.1} %): {}\n\
         \x20 back by second of SIGTERM:     {:?}\n\x20 attempts by second of SIGTERM: {:?}\n\
         \x20 delivered {}, gaps {}, lost {}, duplicated {}, reordered {}, foreign {}; said not to be online {}",
        stampede.store.name(),
        stampede.clients,
        stampede.away,
        stampede.largest(),
        f64::from(stampede.largest()) * 100.0 / stampede.clients as f64,
        if stampede.is_clean() { "ok" } else { "FAILED" },
        stampede.back,
        stampede.attempts,
        stampede.verdict.delivered,
        stampede.verdict.gaps,
        stampede.verdict.lost,
        stampede.verdict.duplicated,
        stampede.verdict.reordered,
        stampede.verdict.foreign,
        stampede.departures,
    );
    details(&mut text, &stampede.troubles, &stampede.verdict.examples);
    text
}

fn details(text: &mut String, troubles: &[String], examples: &[String]) {
    for detail in troubles.iter().chain(examples) {
        let _ = write!(text, "\n    {detail}");
    }
}
