//! Curves, drawn here: they need no script.

use std::time::Duration;

use crate::format;
use crate::output::html::{Attributes, Html};

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 80.0;
/// Where the numbers stand.
const ABOVE: f64 = 16.0;

/// A figure over time. `points`: when, and how much; `words`: how a value is written; `href`: what is behind it.
pub fn curve(
    title: &str,
    points: &[(i64, f64)],
    words: fn(f64) -> String,
    href: Option<&str>,
) -> Option<Html> {
    let (first, last) = (points.first()?, points.last()?);
    if points.len() < 2 {
        return None;
    }
    let most = points.iter().map(|(_, value)| *value).fold(0.0, f64::max);
    let span = (last.0 - first.0).max(1) as f64;
    let scale = if most > 0.0 { most } else { 1.0 };
    let line = points
        .iter()
        .map(|(at, value)| {
            let x = (at - first.0) as f64 / span * WIDTH;
            let y = ABOVE + (HEIGHT - ABOVE - 1.0) * (1.0 - value.max(0.0) / scale);
            format!("{x:.1},{y:.1}")
        })
        .collect::<Vec<_>>()
        .join(" ");
    let view = format!("0 0 {WIDTH} {HEIGHT}");
    let told = format!("now {}, at most {}", words(last.1), words(most));
    let label = format!("{title}: {told}");
    let base = (HEIGHT - 1.0).to_string();
    let end = WIDTH.to_string();
    let axis: Attributes<'_> =
        &[("class", "axis"), ("x1", "0"), ("y1", &base), ("x2", &end), ("y2", &base)];
    let inner = [
        Html::element("text", &[("x", "0"), ("y", "11")], [Html::text(&told)]),
        Html::void("line", axis),
        Html::void("polyline", &[("class", "curve"), ("points", &line)]),
    ];
    let svg: Attributes<'_> = &[("viewBox", &view), ("role", "img"), ("aria-label", &label)];
    let covered = format::span(Duration::from_secs(last.0.abs_diff(first.0)));
    let caption = format!("{title}, last {covered}");
    let caption = href.map_or_else(|| Html::text(&caption), |href| Html::link(href, &caption));
    let caption = Html::element("figcaption", &[], [caption]);
    Some(Html::element("figure", &[], [caption, Html::element("svg", svg, inner)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_reaches_from_side_to_side() {
        let words = |value: f64| format!("{value:.0}/s");
        let drawn = curve("Calls", &[(0, 0.0), (60, 10.0), (120, 5.0)], words, None).unwrap();
        let text = crate::output::html::document("t", [], [drawn]);
        assert!(text.contains("points=\"0.0,79.0 160.0,16.0 320.0,47.5\""), "{text}");
        assert!(text.contains("aria-label=\"Calls: now 5/s, at most 10/s\""), "{text}");
        assert!(text.contains("<figcaption>Calls, last 2 min</figcaption>"), "{text}");
        assert!(curve("Calls", &[(0, 1.0)], words, None).is_none());
        assert!(curve("Calls", &[(0, 0.0), (0, 0.0)], words, None).is_some());
    }
}
