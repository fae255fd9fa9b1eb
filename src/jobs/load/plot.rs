//! How it went, as a picture: latencies over time, on a logarithmic scale, and the requests below it.

use std::path::Path;
use std::time::Duration;

use super::report::{LoadReport, PhaseReport, millis};
use crate::failure::Result;
use crate::files;
use crate::format;
use crate::output::html::{self, Html};

const WIDTH: f64 = 960.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 940.0;
/// Of the latencies.
const TOP: f64 = 66.0;
const BOTTOM: f64 = 330.0;
/// Of the requests.
const LOWER_TOP: f64 = 370.0;
const LOWER_BOTTOM: f64 = 470.0;
const HEIGHT: f64 = 510.0;

/// Lines of the latencies: name, colour, and the share of requests that are not slower.
const LINES: [(&str, &str, f64); 3] = [
    ("median", "#1a7f37", 0.5),
    ("p99", "#9a6700", 0.99),
    ("longest", "#cf222e", 1.0),
];

/// What a picture may be written as.
///
/// # Errors
/// Where the file's name ends otherwise.
pub fn parse(text: &str) -> std::result::Result<std::path::PathBuf, String> {
    let path = std::path::PathBuf::from(text);
    match path.extension().and_then(|it| it.to_str()) {
        Some("svg" | "html") => Ok(path),
        _ => Err("expected a file whose name ends in .svg or .html".to_owned()),
    }
}

/// Writes it.
///
/// # Errors
/// `Io`, naming the file.
pub fn write(report: &LoadReport, file: &Path) -> Result<()> {
    let picture = drawn(report);
    let text = match file.extension().is_some_and(|it| it == "svg") {
        true => format!("{picture}\n"),
        false => {
            let title = "pgtend load";
            let heading = Html::element("h1", &[], [Html::text(title)]);
            html::page(title, [heading, picture])
        }
    };
    files::replace(file, &text).map_err(|error| files::not_written(file, &error))
}

/// A part of the run.
struct Part {
    /// In seconds since the beginning.
    from: f64,
    length: f64,
    /// In milliseconds, for each of the lines.
    latencies: [Option<f64>; 3],
    requests: u64,
    errors: u64,
}

fn parts(phases: &[PhaseReport]) -> Vec<Part> {
    let Some(start) = phases.first().map(|first| first.phase.from) else {
        return Vec::new();
    };
    let of_phase = |report: &PhaseReport| {
        let (course, offset) = (&report.phase.tally.course, report.phase.from - start);
        let length = course.slot.as_secs_f64();
        let parts = course.slots.iter().enumerate().map(|(at, slot)| Part {
            from: offset.as_secs_f64() + at as f64 * length,
            length,
            latencies: LINES.map(|(_, _, share)| {
                (slot.latencies.count() > 0).then(|| slot.latencies.at(share))
            }),
            requests: slot.latencies.count(),
            errors: slot.errors,
        });
        parts.collect::<Vec<_>>()
    };
    phases.iter().flat_map(of_phase).collect()
}

/// From what is measured to where it stands.
struct Scale {
    seconds: f64,
    /// Powers of ten, in milliseconds.
    least: i32,
    most: i32,
    requests: f64,
}

impl Scale {
    fn of(parts: &[Part]) -> Scale {
        let latencies = || parts.iter().flat_map(|part| part.latencies.into_iter().flatten());
        let fastest = latencies().fold(f64::INFINITY, f64::min).clamp(1e-3, 1e6);
        let most = latencies().fold(0.0, f64::max).clamp(fastest, 1e7);
        let ends = parts.iter().map(|part| part.from + part.length);
        let each = parts.iter().map(|part| (part.requests + part.errors) as f64 / part.length);
        let least = fastest.log10().floor() as i32;
        Scale {
            seconds: ends.fold(0.001, f64::max),
            least,
            most: (most.log10().ceil() as i32).max(least + 1),
            requests: each.fold(1.0, f64::max),
        }
    }

    fn x(&self, seconds: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * seconds / self.seconds
    }

    fn y(&self, latency_ms: f64) -> f64 {
        let (least, most) = (f64::from(self.least), f64::from(self.most));
        BOTTOM - (BOTTOM - TOP) * (latency_ms.max(1e-6).log10() - least) / (most - least)
    }
}

fn drawn(report: &LoadReport) -> Html {
    let parts = parts(&report.phases);
    let scale = Scale::of(&parts);
    let mut all = vec![Html::void(
        "rect",
        &[("width", "100%"), ("height", "100%"), ("fill", "#ffffff")],
    )];
    all.push(label((LEFT, 18.0), "start", &title(report)));
    all.extend(axes(&scale));
    all.extend(phases(report, &scale));
    all.extend(LINES.iter().enumerate().flat_map(|(at, (name, colour, _))| {
        let points = parts
            .iter()
            .filter_map(|part| {
                let x = scale.x(part.from + part.length / 2.0);
                Some(format!("{x:.1},{:.1}", scale.y(part.latencies[at]?)))
            })
            .collect::<Vec<_>>()
            .join(" ");
        let line = Html::void(
            "polyline",
            &[
                ("points", &points),
                ("fill", "none"),
                ("stroke", colour),
                ("stroke-width", "1.5"),
            ],
        );
        let x = LEFT + 75.0 * at as f64;
        [line, coloured((x, 36.0), colour, name)]
    }));
    all.extend(parts.iter().flat_map(|part| bars(part, &scale)));
    let view = format!("0 0 {WIDTH} {HEIGHT}");
    let attributes = [
        ("xmlns", "http://www.w3.org/2000/svg"),
        ("viewBox", view.as_str()),
        ("role", "img"),
        ("aria-label", "Latencies over time, and requests a second"),
        ("font-family", "sans-serif"),
        ("font-size", "12"),
    ];
    Html::element("svg", &attributes, all)
}

/// More does not stand beside each other.
const LONGEST_TITLE: usize = 120;

fn title(report: &LoadReport) -> String {
    let title = whole_title(report);
    match title.char_indices().nth(LONGEST_TITLE) {
        Some((end, _)) => format!("{} …", &title[..end]),
        None => title,
    }
}

fn whole_title(report: &LoadReport) -> String {
    let mode = match report.setup.rate {
        Some(rate) => format!("{rate} requests a second"),
        None => format::count(report.setup.clients, "client", "clients"),
    };
    match &report.during {
        Some(ended) => format!("{mode}, while this ran: {}", ended.command),
        None => mode,
    }
}

fn axes(scale: &Scale) -> Vec<Html> {
    let mut all = Vec::new();
    for power in scale.least..=scale.most {
        let latency = 10_f64.powi(power);
        let y = scale.y(latency);
        all.push(line((LEFT, y), (RIGHT, y)));
        all.push(label((LEFT - 8.0, y + 4.0), "end", &millis(latency)));
    }
    const TICKS: u32 = 6;
    for tick in 0..=TICKS {
        let seconds = scale.seconds * f64::from(tick) / f64::from(TICKS);
        let told = format::duration(Duration::from_secs_f64(seconds));
        let told = if tick == 0 { "0".to_owned() } else { told };
        all.push(label((scale.x(seconds), HEIGHT - 15.0), "middle", &told));
    }
    all.push(line((LEFT, LOWER_BOTTOM), (RIGHT, LOWER_BOTTOM)));
    let most = format!("{:.0}/s", scale.requests);
    all.push(label((LEFT - 8.0, LOWER_TOP + 4.0), "end", &most));
    all
}

/// Where one phase ends and the next begins.
fn phases(report: &LoadReport, scale: &Scale) -> Vec<Html> {
    let Some(start) = report.phases.first().map(|first| first.phase.from) else {
        return Vec::new();
    };
    let named = report.phases.iter().filter(|_| report.phases.len() > 1);
    let marks = named.flat_map(|report| {
        let x = scale.x((report.phase.from - start).as_secs_f64());
        [
            line((x, TOP), (x, LOWER_BOTTOM)),
            label((x + 4.0, TOP - 6.0), "start", report.phase.name),
        ]
    });
    marks.collect()
}

fn bars(part: &Part, scale: &Scale) -> Vec<Html> {
    let height =
        |count: u64| (LOWER_BOTTOM - LOWER_TOP) * count as f64 / part.length / scale.requests;
    let (answered, failed) = (height(part.requests), height(part.errors));
    let (x, width) = (scale.x(part.from), scale.x(part.length) - LEFT);
    let bar = |from: f64, height: f64, colour: &str| {
        let [x, y, width, height] =
            [x, from - height, (width - 0.5).max(0.5), height].map(|it| format!("{it:.1}"));
        let attributes = [
            ("x", &*x),
            ("y", &*y),
            ("width", &*width),
            ("height", &*height),
            ("fill", colour),
        ];
        Html::void("rect", &attributes)
    };
    let errors = bar(LOWER_BOTTOM - answered, failed, "#cf222e");
    let both = [Some(bar(LOWER_BOTTOM, answered, "#8c959f")), (failed > 0.0).then_some(errors)];
    both.into_iter().flatten().collect()
}

fn line(from: (f64, f64), to: (f64, f64)) -> Html {
    let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(|it| format!("{it:.1}"));
    let attributes =
        [("x1", &*x1), ("y1", &*y1), ("x2", &*x2), ("y2", &*y2), ("stroke", "#d0d7de")];
    Html::void("line", &attributes)
}

fn label((x, y): (f64, f64), anchor: &str, words: &str) -> Html {
    let [x, y] = [x, y].map(|it| format!("{it:.1}"));
    let attributes = [("x", &*x), ("y", &*y), ("text-anchor", anchor), ("fill", "#24292f")];
    Html::element("text", &attributes, [Html::text(words)])
}

fn coloured((x, y): (f64, f64), colour: &str, words: &str) -> Html {
    let [x, y] = [x, y].map(|it| format!("{it:.1}"));
    Html::element("text", &[("x", &*x), ("y", &*y), ("fill", colour)], [Html::text(words)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_ten_lie_around_all_latencies() {
        let part = |latency: f64| Part {
            from: 0.0,
            length: 2.0,
            latencies: [Some(latency), None, Some(latency * 30.0)],
            requests: 10,
            errors: 2,
        };
        let scale = Scale::of(&[part(0.4), part(2.0)]);
        assert_eq!((scale.least, scale.most), (-1, 2));
        assert_eq!((scale.y(0.1), scale.y(100.0)), (BOTTOM, TOP));
        assert_eq!((scale.x(0.0), scale.x(2.0)), (LEFT, RIGHT));
        assert!((scale.requests - 6.0).abs() < 1e-9);
        let empty = Scale::of(&[]);
        assert!(empty.most > empty.least && empty.y(1.0).is_finite());
    }

    #[test]
    fn a_picture_is_an_svg_or_a_page() {
        assert!(parse("a.svg").is_ok() && parse("b/c.html").is_ok());
        assert!(parse("a.png").is_err() && parse("svg").is_err());
    }
}
