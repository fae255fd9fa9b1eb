//! One statement: what it costs, how often it ran, how it is planned, and what it did before.

use serde_json::{Map, Value};

use super::curve::curve;
use super::findings::head;
use super::lists::words;
use crate::output::html::Html;
use crate::serve::facts::Facts;
use crate::serve::list::Row;
use crate::serve::rows::statements::STATEMENTS;
use crate::serve::site::{Place, Site};
use crate::serve::target::Target;

/// The rows of this number: one for each role that has sent it.
pub fn of_number<'f>(facts: &'f Facts, number: &str) -> Vec<&'f Row> {
    let all = facts.statements.known().map(|seen| seen.rows.as_slice()).unwrap_or_default();
    let is_this =
        |row: &&Row| row.values.get("queryid_text").and_then(Value::as_str) == Some(number);
    all.iter().filter(is_this).collect()
}

/// All that is known of it, as its document has it.
pub fn values(facts: &Facts, row: &Row) -> Map<String, Value> {
    let mut values = row.values.to_map();
    let details = facts.statements.known().and_then(|seen| seen.details.get(&row.id));
    values.extend(details.cloned().unwrap_or_default());
    values
}

/// The page.
pub fn page(site: &Site, target: &Target, facts: &Facts, rows: &[&Row]) -> String {
    let title = format!("Statement of {}", facts.name);
    let place = Place {
        title,
        target: Some(target),
        page: STATEMENTS.name,
        sections: &["statements"],
    };
    let inner = head(facts, "Statement", &facts.statements.as_of())
        .into_iter()
        .chain(rows.iter().flat_map(|row| body(facts, row)));
    site.page(&place, [Html::element("div", &[("id", "live")], inner)])
}

fn body(facts: &Facts, row: &Row) -> Vec<Html> {
    let values = values(facts, row);
    let code =
        |text: &str| Html::element("pre", &[], [Html::element("code", &[], [Html::text(text)])]);
    let list = |key: &str| values.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut parts = Vec::new();
    parts.extend(values.get("query").and_then(Value::as_str).map(code));
    parts.push(figures(row));
    let curves = facts.statements.known().and_then(|seen| seen.curves.get(&row.id));
    let drawn = curves.and_then(|points| {
        curve("Executions a second", points, |rate| format!("{rate:.1}/s"), None)
    });
    parts.extend(drawn);
    let plan = list("plan").iter().map(text).collect::<Vec<_>>();
    let not = values.get("not_explained").and_then(Value::as_str);
    let why = not.map_or_else(
        || "Not planned: only the first statements are, every few minutes.".to_owned(),
        |why| format!("Not planned: {why}"),
    );
    parts.push(Html::element("h2", &[], [Html::text("Generic plan")]));
    parts.push(match plan.is_empty() {
        true => Html::of_class("p", "dim", &why),
        false => code(&plan.join("\n")),
    });
    let remarks = list("remarks");
    parts.extend(remarks.iter().map(|it| Html::element("p", &[], [Html::text(&text(it))])));
    parts.extend(history(&list("history")));
    parts
}

fn figures(row: &Row) -> Html {
    let known = STATEMENTS
        .fields
        .iter()
        .filter(|field| field.key != "query" && !field.title.is_empty());
    let lines = known.filter_map(|field| {
        let value = row.values.get(field.key)?;
        let name = Html::element("dt", &[], [Html::text(field.title)]);
        let value = Html::element("dd", &[], [Html::text(&words(field.show, value))]);
        Some([name, value])
    });
    Html::element("dl", &[("class", "glance")], lines.flatten())
}

/// What it did between snapshots, the newest first.
fn history(past: &[Value]) -> Vec<Html> {
    use crate::serve::list::Show;
    if past.is_empty() {
        return Vec::new();
    }
    let columns = [
        ("taken_at", "until", Show::Text),
        ("calls", "calls", Show::Whole),
        ("mean_ms", "mean", Show::Millis),
        ("total_ms", "total", Show::Millis),
    ];
    let heads = columns.map(|(_, title, _)| Html::element("th", &[], [Html::text(title)]));
    let head = Html::element("thead", &[], [Html::element("tr", &[], heads)]);
    let rows = past.iter().map(|row| {
        let cells = columns.map(|(key, title, show)| {
            let value = row.get(key).filter(|value| !value.is_null());
            let text = value.map_or_else(|| "–".to_owned(), |value| words(show, value));
            Html::element("td", &[("data-label", title)], [Html::text(&text)])
        });
        Html::element("tr", &[], cells)
    });
    let table = Html::element("table", &[], [head, Html::element("tbody", &[], rows)]);
    let title = Html::element("h2", &[], [Html::text("From snapshot to snapshot")]);
    vec![title, Html::element("div", &[("class", "wide")], [table])]
}
