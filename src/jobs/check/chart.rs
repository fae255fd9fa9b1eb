//! What is seen faster than read: where the findings are, and how much room is left.

use super::glance::{Glance, XID_LIMIT};
use crate::findings::{Finding, Group, Rule, Severity};
use crate::format;
use crate::output::html::{Attributes, Html};

const WIDTH: u32 = 320;
const ROW: u32 = 24;
/// Where bars begin.
const LEFT: u32 = 100;
/// Where their numbers stand.
const RIGHT: u32 = 270;
/// A thinner bar is not seen.
const LEAST: f64 = 2.0;

/// The charts of what is known.
pub fn charts(findings: &[Finding], glance: &Glance) -> Vec<Html> {
    let connections = glance.sessions.zip(glance.connection_limit);
    let xids = glance.xid_age.map(|age| (i64::from(age), XID_LIMIT));
    let all = [
        (!findings.is_empty()).then(|| figure("Findings by group", by_group(findings))),
        xids.map(|used| figure("Transaction ids used by the oldest database", vec![share(used)])),
        connections.map(|used| figure("Connections used", vec![share(used)])),
    ];
    all.into_iter().flatten().collect()
}

fn figure(title: &str, rows: Vec<Row>) -> Html {
    let height = ROW * u32::try_from(rows.len()).unwrap_or(1);
    let view = format!("0 0 {WIDTH} {height}");
    let drawn = rows.into_iter().zip(0..).flat_map(|(row, at)| row.shown(at * ROW));
    let attributes = [("viewBox", view.as_str()), ("role", "img"), ("aria-label", title)];
    let caption = Html::element("figcaption", &[], [Html::text(title)]);
    Html::element("figure", &[], [caption, Html::element("svg", &attributes, drawn)])
}

/// A bar with its name and number.
struct Row {
    name: String,
    /// Classes and shares of the whole width.
    parts: Vec<(&'static str, f64)>,
    number: String,
}

impl Row {
    fn shown(self, top: u32) -> Vec<Html> {
        let (text, top) = ((top + 16).to_string(), (top + 5).to_string());
        let label = |x: u32, words: &str| {
            let x = x.to_string();
            Html::element("text", &[("x", &x), ("y", &text)], [Html::text(words)])
        };
        let room = f64::from(RIGHT - LEFT - 8);
        let bar = |class: &str, from: f64, width: f64| {
            let (x, width) = (format!("{:.1}", f64::from(LEFT) + from), format!("{width:.1}"));
            let attributes: Attributes<'_> =
                &[("class", class), ("x", &x), ("y", &top), ("width", &width), ("height", "14")];
            Html::void("rect", attributes)
        };
        let mut shown = vec![label(0, &self.name), bar("track", 0.0, room)];
        let mut from = 0.0;
        for (class, part) in self.parts {
            let least = if part > 0.0 { LEAST } else { 0.0 };
            let width = (part.clamp(0.0, 1.0) * room).max(least).min(room - from);
            shown.push(bar(class, from, width));
            from += width;
        }
        shown.push(label(RIGHT, &self.number));
        shown
    }
}

/// How much of what there is.
fn share((used, all): (i64, i64)) -> Row {
    let share = used.max(0) as f64 / all.max(1) as f64;
    let number = format!("{:.1} %", share * 100.0);
    Row {
        name: "used".to_owned(),
        parts: vec![("used", share)],
        number,
    }
}

/// A bar for each group, the worst findings first in it.
fn by_group(findings: &[Finding]) -> Vec<Row> {
    let group_of = |finding: &Finding| Rule::named(&finding.rule).map(|rule| rule.group);
    let groups = Group::OF_CHECK
        .into_iter()
        .chain([Group::Ignores])
        .map(|group| {
            let own = findings.iter().filter(|finding| group_of(finding) == Some(group));
            (group, own.collect::<Vec<_>>())
        })
        .filter(|(_, own)| !own.is_empty())
        .collect::<Vec<_>>();
    let most = groups.iter().map(|(_, own)| own.len()).max().unwrap_or(1) as f64;
    let row = |(group, own): (Group, Vec<&Finding>)| {
        let of = |severity| own.iter().filter(|it| it.severity == severity).count();
        let parts = Severity::ALL.into_iter().rev().map(|it| (it.name(), of(it) as f64 / most));
        Row {
            name: group.name().to_owned(),
            parts: parts.filter(|(_, part)| *part > 0.0).collect(),
            number: format::number(own.len()),
        }
    };
    groups.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_there_are_findings() {
        let found = |rule: &Rule| Finding::new(rule, None, "");
        let [vacuum, index, info] =
            [&Rule::XID_WRAPAROUND, &Rule::DUPLICATE_INDEX, &Rule::VACUUM_SCALE].map(found);
        let rows = by_group(&[vacuum.clone(), index, info]);
        let shown = rows.into_iter().map(|row| (row.name, row.number, row.parts));
        let expected = [
            ("vacuum".to_owned(), "2".to_owned(), vec![("critical", 0.5), ("info", 0.5)]),
            ("indexes".to_owned(), "1".to_owned(), vec![("warning", 0.5)]),
        ];
        assert_eq!(shown.collect::<Vec<_>>(), expected);
        assert_eq!(charts(&[], &Glance::default()), []);
        assert_eq!(share((30, 120)).number, "25.0 %");
    }
}
