//! What `check` found of a target, each with the command that helps.

use std::collections::HashMap;

use super::curve::curve;
use super::lists::filter;
use crate::format;
use crate::jobs::check::page::{self as check_page, Spot, View};
use crate::output::html::Html;
use crate::serve::facts::{Checked, Connection, Facts, Load};
use crate::serve::list::{Shape, Show, field};
use crate::serve::query::{Order, Query};
use crate::serve::site::{Place, Site};
use crate::serve::target::Target;

pub static SHAPE: Shape = Shape {
    name: "index",
    title: "Checks",
    fields: &[
        field("severity", "severity", Show::Word),
        field("rule", "rule", Show::Code),
        field("object", "object", Show::Text),
        field("message", "message", Show::Text),
    ],
    sort_by: "severity",
    order: Order::Falling,
};

/// The page.
pub fn page(site: &Site, target: &Target, facts: &Facts, query: &Query) -> String {
    let place = Place {
        title: facts.name.clone(),
        target: Some(target),
        page: SHAPE.name,
        sections: &["checks", "statements"],
    };
    let form = filter(&SHAPE, query, &site.of_target(target, ""));
    let live = Html::element("div", &[("id", "live")], body(site, target, facts, query));
    site.page(&place, [form, live])
}

/// What stands on it.
pub fn body(site: &Site, target: &Target, facts: &Facts, query: &Query) -> Vec<Html> {
    let mut parts = head(facts, &facts.name, &facts.check.as_of());
    parts.extend(facts.activity.known().map(|active| {
        let now = Html::link(&site.of_target(target, "activity"), &active.look.summary());
        Html::element("p", &[], [Html::text("Now: "), now])
    }));
    let statements = site.of_target(target, "statements");
    let looks = facts.load.iter().copied().collect::<Vec<_>>();
    parts.extend(charts("", &looks, &statements));
    let past = facts.statements.known().map(|seen| seen.past.as_slice());
    parts.extend(charts(", by snapshots", past.unwrap_or_default(), &statements));
    if let Some(checked) = facts.check.known() {
        let places = places(checked);
        let view = View {
            leads: &|spot| leads_to(site, target, &places, spot),
            wants: &|finding| {
                let object = finding.object.as_deref().unwrap_or_default();
                query.names([object, &finding.rule])
            },
        };
        parts.extend(check_page::body(&checked.judgement, &checked.glance, &view));
    }
    parts
}

/// The lists in which the objects are.
type Places<'a> = HashMap<&'a str, &'static str>;

fn places(checked: &Checked) -> Places<'_> {
    let Checked { tables, indexes, views, .. } = checked;
    let lists = [("tables", tables), ("indexes", indexes), ("views", views)];
    let known = lists.into_iter().filter_map(|(name, list)| Some((name, list.as_ref().ok()?)));
    known
        .flat_map(|(name, rows)| rows.iter().map(move |row| (row.id.as_str(), name)))
        .collect()
}

/// The list behind a figure or a name.
fn leads_to(site: &Site, target: &Target, places: &Places<'_>, spot: Spot<'_>) -> Option<String> {
    let plain = |page: &str| Some(site.of_target(target, page));
    match spot {
        Spot::Glance("server") => plain("settings"),
        Spot::Glance("database") => plain("tables"),
        Spot::Glance("connections") => plain("activity"),
        Spot::Glance("replication") => plain("replication"),
        Spot::Glance("xid age") => {
            let oldest = Query::parse("sortBy=xid_age&sortOrder=desc");
            Some(site.of_list(target, "tables", &oldest))
        }
        Spot::Glance(_) => None,
        Spot::Object(name) => {
            let list = places.get(name)?;
            Some(site.of_list(target, list, &Query::of_name(name)))
        }
    }
}

/// How much ran. `by`: what tells of it, where no looks do; `href`: what ran.
fn charts(by: &str, loads: &[Load], href: &str) -> Option<Html> {
    let draw = |title: &str, value: fn(&Load) -> Option<f64>, words: fn(f64) -> String| {
        let points = loads.iter().filter_map(|load| Some((load.at, value(load)?)));
        curve(&format!("{title}{by}"), &points.collect::<Vec<_>>(), words, Some(href))
    };
    let drawn = [
        draw(
            "Statements a second",
            |load| Some(load.calls_per_second),
            |rate| format!("{rate:.1}/s"),
        ),
        draw(
            "Statements that run at once",
            |load| Some(load.running),
            |number| format!("{number:.2}"),
        ),
        draw(
            "WAL a second",
            |load| load.wal_bytes_per_second,
            |rate| format!("{}/s", format::bytes(rate as i64)),
        ),
    ];
    let drawn = drawn.into_iter().flatten().collect::<Vec<_>>();
    (!drawn.is_empty()).then(|| Html::element("div", &[("class", "charts")], drawn))
}

/// The title, how the connection is where it is not as it should be, and of when the page is.
pub fn head(facts: &Facts, title: &str, as_of: &str) -> Vec<Html> {
    let lost = match facts.connection {
        Connection::Up(_) => None,
        _ => Some(Html::of_class("p", "lost", &facts.connection_words())),
    };
    let title = Html::element("h1", &[], [Html::text(title)]);
    let as_of = Html::of_class("p", "dim", as_of);
    [Some(title), lost, Some(as_of)].into_iter().flatten().collect()
}
