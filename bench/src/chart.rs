//! The report as a picture: each scenario's CPU time as a ratio to the floor's.

use std::fmt::Write as _;

use crate::report::Report;

const WIDTH: f64 = 900.0;
const LEFT: f64 = 360.0;
const RIGHT: f64 = 60.0;
const BAR: f64 = 18.0;
const TOP: f64 = 60.0;

/// Where bars end that would go further.
const RATIO_MAX: f64 = 3.0;

/// The whole SVG.
pub fn draw(report: &Report) -> String {
    let bars: Vec<_> = report
        .results
        .iter()
        .filter_map(|measured| Some((measured, report.ratio(measured)?)))
        .filter(|(measured, _)| measured.subject != "floor")
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "some dozens")]
    let height = TOP + BAR * bars.len() as f64 + 20.0;
    let scale = (WIDTH - LEFT - RIGHT) / RATIO_MAX;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"10\" y=\"22\" \
         font-size=\"15\">CPU time per delivery, in times of the floor's</text>\n<text x=\"10\" y=\"40\" \
         fill=\"#555\">{}</text>\n",
        report.processor
    );
    let mut y = TOP;
    for (measured, ratio) in bars {
        let (width, colour) = (ratio.min(RATIO_MAX) * scale, colour(&measured.subject));
        let label = format!("{}, {}: {}", measured.scenario, measured.connections, measured.subject);
        // Writing to a string does not fail.
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{label}</text>\n<rect x=\"{LEFT}\" y=\"{}\" \
             width=\"{width:.1}\" height=\"{}\" fill=\"{colour}\"/>\n<text x=\"{:.1}\" y=\"{}\">{ratio:.2}</text>",
            LEFT - 8.0,
            y + 12.0,
            y + 1.0,
            BAR - 3.0,
            LEFT + width + 6.0,
            y + 12.0
        );
        y += BAR;
    }
    let floor = LEFT + scale;
    let _ = writeln!(
        svg,
        "<line x1=\"{floor}\" x2=\"{floor}\" y1=\"{}\" y2=\"{y}\" stroke=\"#222\" stroke-dasharray=\"3 3\"/>\n\
         <text x=\"{floor}\" y=\"{}\" text-anchor=\"middle\">floor</text>\n</svg>",
        TOP - 4.0,
        TOP - 8.0
    );
    svg
}

fn colour(subject: &str) -> &'static str {
    match subject {
        "tidings" => "#2b6cb0",
        "tidings, hyper body" => "#63b3ed",
        _ => "#a0aec0",
    }
}
