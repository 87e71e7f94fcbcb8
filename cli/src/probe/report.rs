//! What a probe says: a summary, JSON, Prometheus' text, a live view.

use std::{fmt::Write, io, time::Duration};

use protocol::State;
use serde::Serialize;

use super::measure::Measured;
use crate::output::{self, BAD, FAINT, GOOD, Reader, WARN, styled};

/// The quantiles that are shown.
const SHARES: [f64; 3] = [0.5, 0.95, 0.99];

/// A measurement as JSON; times in milliseconds.
#[derive(Debug, Serialize)]
pub(crate) struct Report<'a> {
    ok: bool,
    connect_ms: f64,
    sent: u64,
    received: u64,
    lost: u64,
    gaps: u64,
    reconnects: u64,
    publish_failures: u64,
    latency_ms: Option<Latency>,
    faults: &'a [String],
}

#[derive(Debug, Serialize)]
struct Latency {
    p50: f64,
    p95: f64,
    p99: f64,
    max: f64,
}

pub(crate) fn json<'a>(measured: &Measured, faults: &'a [String]) -> Report<'a> {
    Report {
        ok: faults.is_empty(),
        connect_ms: millis(measured.connect),
        sent: measured.sent,
        received: measured.received,
        lost: measured.lost,
        gaps: measured.gaps,
        reconnects: measured.reconnects,
        publish_failures: measured.failures,
        latency_ms: measured.quantiles(SHARES).map(|[p50, p95, p99]| Latency {
            p50: millis(p50),
            p95: millis(p95),
            p99: millis(p99),
            max: millis(measured.slowest().unwrap_or_default()),
        }),
        faults,
    }
}

/// For people.
pub(crate) fn summary(measured: &Measured, faults: &[String]) -> String {
    let mut text = lines(measured).join("\n");
    text.push('\n');
    text.push_str(&match faults {
        [] => styled(GOOD, "all is well"),
        faults => faults.iter().map(|fault| styled(BAD, fault)).collect::<Vec<_>>().join("\n"),
    });
    text
}

/// Prometheus' text format, version 0.0.4.
pub(crate) fn prometheus(measured: &Measured, ok: bool) -> String {
    let mut text = String::new();
    let mut family = |name: &str, kind: &str, samples: &[(&str, f64)]| {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "# TYPE tidings_probe_{name} {kind}");
        for (suffix, value) in samples {
            let _ = writeln!(text, "tidings_probe_{name}{suffix} {value}");
        }
    };
    family("success", "gauge", &[("", f64::from(u8::from(ok)))]);
    family("connect_seconds", "gauge", &[("", measured.connect.as_secs_f64())]);
    // As Prometheus' own clients have it where nothing was observed.
    let nothing = [f64::NAN; SHARES.len()];
    let quantiles = measured
        .quantiles(SHARES)
        .map_or(nothing, |latencies| latencies.map(|latency| latency.as_secs_f64()));
    family(
        "latency_seconds",
        "summary",
        &[
            ("{quantile=\"0.5\"}", quantiles[0]),
            ("{quantile=\"0.95\"}", quantiles[1]),
            ("{quantile=\"0.99\"}", quantiles[2]),
            ("_sum", measured.total.as_secs_f64()),
            ("_count", count(measured.received)),
        ],
    );
    family("latency_max_seconds", "gauge", &[("", measured.slowest().unwrap_or_default().as_secs_f64())]);
    for (name, value) in [
        ("sent", measured.sent),
        ("received", measured.received),
        ("lost", measured.lost),
        ("gaps", measured.gaps),
        ("reconnects", measured.reconnects),
        ("publish_failures", measured.failures),
    ] {
        // One run's count, which begins anew with the next: a gauge, as long as nobody adds the runs up.
        family(name, "gauge", &[("", count(value))]);
    }
    text
}

/// A view that is drawn over itself.
#[derive(Debug)]
pub(crate) struct View {
    reader: Reader,
    /// Lines drawn last.
    drawn: usize,
}

impl View {
    pub(crate) const fn new(reader: Reader) -> Self {
        Self { reader, drawn: 0 }
    }

    pub(crate) fn show(&mut self, measured: &Measured, state: &State) -> io::Result<()> {
        if self.reader == Reader::Program {
            return output::json_line(&json(measured, &measured.faults()));
        }
        let mut lines = lines(measured);
        lines.insert(0, word(state));
        let mut text = String::new();
        if self.drawn > 0 {
            // Up by what was drawn, and clear from there.
            let _ = write!(text, "\x1b[{}A\x1b[J", self.drawn);
        }
        text.push_str(&lines.join("\n"));
        self.drawn = lines.len();
        output::line(&text)
    }
}

fn lines(measured: &Measured) -> Vec<String> {
    let row = |name: &str, value: String| format!("{} {value}", styled(FAINT, format!("{name:<11}")));
    let latency = match (measured.quantiles(SHARES), measured.slowest()) {
        (Some([p50, p95, p99]), Some(max)) => {
            let [p50, p95, p99, max] = [p50, p95, p99, max].map(millis);
            format!("p50 {p50:.1} ms, p95 {p95:.1} ms, p99 {p99:.1} ms, max {max:.1} ms")
        }
        _ => "nothing received".to_owned(),
    };
    vec![
        row("connected", format!("in {:.1} ms", millis(measured.connect))),
        row("latency", latency),
        row(
            "events",
            format!("{} sent, {} received, {} lost", measured.sent, measured.received, measured.lost),
        ),
        row("gaps", measured.gaps.to_string()),
        row("reconnects", measured.reconnects.to_string()),
    ]
}

fn word(state: &State) -> String {
    match state {
        State::Online { .. } => styled(GOOD, "online"),
        State::Connecting { .. } => styled(FAINT, "connecting"),
        State::Reconnecting(_) | State::Offline(_) => styled(WARN, "reconnecting"),
        _ => styled(BAD, "broken"),
    }
}

/// Milliseconds to the microsecond.
pub(crate) fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

#[expect(clippy::cast_precision_loss, reason = "counts of one run stay far below 2^53")]
const fn count(number: u64) -> f64 {
    number as f64
}
