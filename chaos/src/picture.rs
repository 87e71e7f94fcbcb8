//! The report as a picture: deliveries and reconnects over time, with what was done meanwhile.

use std::fmt::Write as _;

use crate::{
    faults::Fault,
    timeline::{Mark, Timeline},
};

const WIDTH: f64 = 1_200.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 20.0;
/// Where each of the two charts begins, and how high both are.
const TOPS: [f64; 2] = [50.0, 290.0];
const HEIGHT: f64 = 190.0;
const BOTTOM: f64 = 540.0;

/// Names of lines on the time axis, at most.
const TICKS: usize = 12;

/// The whole SVG.
pub(crate) fn draw(timeline: &Timeline, title: &str) -> String {
    let seconds = timeline.seconds().max(1);
    let x = |second: f64| LEFT + second / seconds as f64 * (WIDTH - LEFT - RIGHT);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {BOTTOM}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"20\" font-size=\"15\">{title}</text>\n"
    );
    storms(&mut svg, timeline, x);
    let charts = [
        ("deliveries per second", "#2b6cb0", &timeline.deliveries, TOPS[0]),
        ("reconnects per second", "#c05621", &timeline.reconnects, TOPS[1]),
    ];
    for (name, colour, values, top) in charts {
        bars(&mut svg, name, colour, values, top, &x);
    }
    marks(&mut svg, timeline, &x);
    axis(&mut svg, seconds, &x);
    svg.push_str("</svg>\n");
    svg
}

fn storms(svg: &mut String, timeline: &Timeline, x: impl Fn(f64) -> f64) {
    let mut began = None;
    for (at_ms, mark) in &timeline.marks {
        match mark {
            Mark::Storm => began = Some(x(*at_ms as f64 / 1_000.0)),
            Mark::Calm => {
                if let Some(from) = began.take() {
                    let width = x(*at_ms as f64 / 1_000.0) - from;
                    let height = TOPS[1] + HEIGHT - TOPS[0];
                    let _ = writeln!(
                        svg,
                        "<rect x=\"{from:.1}\" y=\"{}\" width=\"{width:.1}\" height=\"{height}\" fill=\"#f1f5f9\"/>",
                        TOPS[0]
                    );
                }
            }
            _ => {}
        }
    }
}

fn bars(svg: &mut String, name: &str, colour: &str, values: &[u32], top: f64, x: &impl Fn(f64) -> f64) {
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let base = top + HEIGHT;
    let _ = write!(svg, "<path fill=\"{colour}\" d=\"");
    for (second, value) in values.iter().enumerate().filter(|(_, value)| **value > 0) {
        let (from, to) = (x(second as f64), x(second as f64 + 1.0));
        let height = f64::from(*value) / f64::from(most) * HEIGHT;
        let _ = write!(svg, "M{from:.1} {base}V{:.1}H{to:.1}V{base}Z", base - height);
    }
    svg.push_str("\"/>\n");
    let _ = writeln!(
        svg,
        "<text x=\"{LEFT}\" y=\"{}\" fill=\"{colour}\">{name}</text>\n\
         <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{most}</text>\n\
         <text x=\"{}\" y=\"{base}\" text-anchor=\"end\">0</text>\n\
         <line x1=\"{LEFT}\" x2=\"{}\" y1=\"{base}\" y2=\"{base}\" stroke=\"#64748b\"/>",
        top - 6.0,
        LEFT - 6.0,
        top + 10.0,
        LEFT - 6.0,
        WIDTH - RIGHT,
    );
}

fn marks(svg: &mut String, timeline: &Timeline, x: &impl Fn(f64) -> f64) {
    for (at_ms, mark) in &timeline.marks {
        let at = x(*at_ms as f64 / 1_000.0);
        let (colour, name) = match mark {
            Mark::Fault(Fault::Kill) => ("#dc2626", None),
            Mark::Fault(Fault::Restart) => ("#16a34a", None),
            Mark::Fault(Fault::KillDatabase | Fault::LoseDatabase) => ("#9333ea", None),
            Mark::Fault(Fault::Freeze) => ("#0891b2", None),
            Mark::Fault(Fault::Partition) => ("#d97706", None),
            Mark::Store(store) => ("#0f172a", Some(store.name())),
            Mark::Storm | Mark::Calm => continue,
        };
        let bottom = TOPS[1] + HEIGHT;
        let _ = writeln!(
            svg,
            "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{}\" y2=\"{bottom}\" stroke=\"{colour}\"/>",
            TOPS[0]
        );
        if let Some(name) = name {
            let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{}\">{name}</text>", at + 4.0, TOPS[0] + 12.0);
        }
    }
}

fn axis(svg: &mut String, seconds: usize, x: &impl Fn(f64) -> f64) {
    let y = TOPS[1] + HEIGHT + 16.0;
    for tick in (0..=seconds).step_by(seconds.div_ceil(TICKS).max(1)) {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{y}\" text-anchor=\"middle\">{tick} s</text>",
            x(tick as f64)
        );
    }
    let legend = [
        ("kill -9", "#dc2626"),
        ("graceful restart", "#16a34a"),
        ("kill -9 of the database", "#9333ea"),
        ("database frozen", "#0891b2"),
        ("instance cut off", "#d97706"),
    ];
    let mut at = LEFT;
    for (name, colour) in legend {
        let _ = writeln!(svg, "<text x=\"{at}\" y=\"{}\" fill=\"{colour}\">| {name}</text>", BOTTOM - 10.0);
        at += 180.0;
    }
    let _ =
        writeln!(svg, "<text x=\"{at}\" y=\"{}\" fill=\"#64748b\">shaded: bad network</text>", BOTTOM - 10.0);
}
