//! All targets: which of them needs somebody.

use serde_json::{Map, Value, json};

use super::lists::{filter, pager};
use crate::findings::{CheckVerdict, Severity, counted};
use crate::output::html::Html;
use crate::serve::facts::{Connection, Facts, written};
use crate::serve::list::{Members, Part, Row, Shape, Show, field};
use crate::serve::query::{Order, Query};
use crate::serve::site::{Place, Site};

/// The targets as rows; the worst come first.
pub static SHAPE: Shape = Shape {
    name: "targets",
    title: "Databases",
    fields: &[
        field("name", "name", Show::Text),
        field("database", "database", Show::Text),
        field("server_version", "version", Show::Text),
        field("connection", "connection", Show::Word),
        field("critical", "critical", Show::Whole),
        field("warnings", "warnings", Show::Whole),
        field("notes", "notes", Show::Whole),
        field("sessions", "sessions", Show::Whole),
        field("waiting", "waiting", Show::Whole),
        field("rank", "", Show::Whole),
    ],
    sort_by: "rank",
    order: Order::Falling,
};

/// A row for each.
pub fn rows(site: &Site) -> Vec<Row> {
    site.targets().iter().map(|target| row(site, &target.facts())).collect()
}

fn row(site: &Site, facts: &Facts) -> Row {
    let checked = facts.check.known();
    let findings = checked.map(|checked| checked.judgement.review.findings.as_slice());
    let of = |severity: Severity| {
        findings.map(|all| all.iter().filter(|it| it.severity == severity).count())
    };
    let (critical, warnings) = (of(Severity::Critical), of(Severity::Warning));
    let is_lost = matches!(facts.connection, Connection::Lost(..));
    let rank = usize::from(is_lost) * 1_000_000
        + critical.unwrap_or_default() * 1_000
        + warnings.unwrap_or_default();
    let active = facts.activity.known();
    let server = facts.server.as_ref();
    let values = json!({
        "name": facts.name,
        "path": site.path(&format!("/t/{}/", facts.slug)),
        "connection": facts.connection_name(),
        "database": server.map(|it| &it.database),
        "server_version": server.map(|it| &it.version),
        "checked_at": facts.check.seen.as_ref().map(|(_, at)| written(*at)),
        "critical": critical,
        "warnings": warnings,
        "notes": of(Severity::Info),
        "unknown_checks": checked.map(|checked| {
            let checks = checked.judgement.review.checks.iter();
            checks.filter(|check| check.verdict == CheckVerdict::Unknown).count()
        }),
        "sessions": active.map(|it| it.look.nodes.len()),
        "waiting": active.map(|it| it.waiting()),
        "last_runs": last_runs(facts).into_iter().map(Value::Object).collect::<Vec<_>>(),
        "rank": rank,
    });
    let Value::Object(mut values) = values else {
        return Row { id: facts.name.clone(), values: Members::default() };
    };
    values.retain(|_, value| !value.is_null());
    Row { id: facts.name.clone(), values: values.into() }
}

/// What each command of pgtend last did, by the history.
fn last_runs(facts: &Facts) -> Vec<Map<String, Value>> {
    let mut last = Vec::<Map<String, Value>>::new();
    // The newest come first.
    for row in facts.runs.known().into_iter().flat_map(|runs| runs.rows.iter()) {
        let command = row.values.get("command");
        if last.iter().all(|known| known.get("command") != command) {
            let mut values = row.values.to_map();
            values.retain(|key, _| ["command", "outcome", "started_at"].contains(&key.as_str()));
            last.push(values);
        }
    }
    last
}

/// The same in words.
fn runs_words(facts: &Facts) -> Option<String> {
    let runs = last_runs(facts);
    let words = runs
        .iter()
        .map(|run| {
            let text = |key: &str| run.get(key).and_then(Value::as_str).unwrap_or_default();
            let at = text("started_at").get(..16).unwrap_or_default().replace('T', " ");
            format!("{} {} {at} UTC", text("command"), text("outcome"))
        })
        .collect::<Vec<_>>()
        .join("; ");
    (!words.is_empty()).then(|| format!("last runs: {words}"))
}

/// Why rows say less than they could.
pub fn unknown(site: &Site) -> Vec<String> {
    let targets = site.targets();
    let facts = targets.iter().map(|target| target.facts());
    facts
        .flat_map(|facts| {
            let unknown = facts.unknown();
            unknown.into_iter().map(move |why| format!("{}: {why}", facts.name))
        })
        .collect()
}

/// A line of verdict for each target.
pub fn page(site: &Site, part: &Part<'_>, query: &Query) -> String {
    let place = Place {
        title: SHAPE.title.to_owned(),
        target: None,
        page: "",
        sections: &["checks", "activity"],
    };
    let path = site.path("/");
    let live = Html::element("div", &[("id", "live")], body(site, part));
    let tail = [pager(part, query, &path), filter(&SHAPE, query, &path)];
    site.page(&place, [live].into_iter().chain(tail))
}

/// What stands on it.
pub fn body(site: &Site, part: &Part<'_>) -> Vec<Html> {
    let title = Html::element("h1", &[], [Html::text(SHAPE.title)]);
    let targets = site.targets();
    let named = |row: &&Row| targets.iter().find(|target| target.name == row.id);
    let cards = part
        .rows
        .iter()
        .filter_map(named)
        .map(|target| card(&target.facts(), |page| site.of_target(target, page)));
    [title].into_iter().chain(cards).collect()
}

/// `to`: the address of a page of the target.
fn card(facts: &Facts, to: impl Fn(&str) -> String) -> Html {
    let name = Html::element("h2", &[], [Html::link(&to(""), &facts.name)]);
    let findings = facts.check.known().map(|it| it.judgement.review.findings.as_slice());
    let worst = findings.map(|all| all.first().map_or("passed", |worst| worst.severity.name()));
    let words = findings.map(|all| counted(all).unwrap_or_else(|| "nothing found".to_owned()));
    let verdict = words
        .zip(worst)
        .map(|(words, worst)| linked(&format!("verdict {worst}"), &to(""), &words));
    let first = findings.and_then(<[_]>::first).map(|worst| {
        let object = worst.object.as_deref().map(|it| format!("{it}: ")).unwrap_or_default();
        Html::element("p", &[], [Html::text(&format!("{object}{}", worst.message))])
    });
    let connected = match facts.connection {
        Connection::Up(_) => "dim",
        _ => "lost",
    };
    let server = facts
        .server
        .as_ref()
        .map(|it| format!("{} on PostgreSQL {}; ", it.database, it.version));
    let server = format!("{}{}", server.unwrap_or_default(), facts.connection_words());
    let active = facts.activity.known().map(|it| {
        let words = it.look.summary();
        Html::element("p", &[], [Html::link(&to("activity"), &words)])
    });
    let runs = runs_words(facts).map(|words| linked("dim", &to("runs"), &words));
    let as_of = format!("checked {}", facts.check.as_of());
    let parts = [
        Some(name),
        verdict,
        first,
        active,
        runs,
        Some(Html::of_class("p", connected, &server)),
        Some(Html::of_class("p", "dim", &as_of)),
    ];
    Html::element("section", &[], parts.into_iter().flatten())
}

fn linked(class: &str, href: &str, words: &str) -> Html {
    Html::element("p", &[("class", class)], [Html::link(href, words)])
}
