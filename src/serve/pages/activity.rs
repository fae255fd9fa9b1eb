//! What runs now, and who waits for whom.

use super::findings::head;
use super::lists::{filter, pager, table};
use crate::output::html::Html;
use crate::serve::facts::Facts;
use crate::serve::list::{Part, Shape, Show, field};
use crate::serve::query::{Order, Query};
use crate::serve::site::{Place, Site};
use crate::serve::target::Target;

/// As they stand below each other, unless another order is asked for.
pub static SHAPE: Shape = Shape {
    name: "activity",
    title: "Activity",
    fields: &[
        field("pid", "pid", Show::Text),
        field("user", "user", Show::Text),
        field("application", "application", Show::Text),
        field("state", "state", Show::Text),
        field("duration_ms", "for", Show::Millis),
        field("transaction_ms", "transaction", Show::Millis),
        field("blocks", "blocks", Show::Whole),
        field("waits_ms", "waits", Show::Millis),
        field("lock", "waits for", Show::Text),
        field("query", "statement", Show::Code),
        field("database", "", Show::Text),
        field("client", "", Show::Text),
        field("wait_event_type", "", Show::Text),
        field("wait_event", "", Show::Text),
        field("place", "", Show::Whole),
    ],
    sort_by: "place",
    order: Order::Rising,
};

/// What stands in the program's own part of the page, which the script replaces.
pub fn live(facts: &Facts, part: &Part<'_>, query: &Query, path: &str) -> Html {
    let mut inner = head(facts, SHAPE.title, &facts.activity.as_of());
    if let Some(active) = facts.activity.known() {
        inner.push(Html::element("p", &[], [Html::text(&active.look.summary())]));
        let warnings = active.look.warnings.iter();
        inner.extend(warnings.map(|it| Html::of_class("p", "help", &it.message)));
    }
    if !part.rows.is_empty() {
        inner.push(table(part, query, path, &|_| None));
    }
    inner.push(pager(part, query, path));
    Html::element("div", &[("id", "live")], inner)
}

/// The page.
pub fn page(site: &Site, target: &Target, facts: &Facts, part: &Part<'_>, query: &Query) -> String {
    let title = format!("{} of {}", SHAPE.title, facts.name);
    let place = Place { title, target: Some(target), page: SHAPE.name };
    let path = site.of_target(target, SHAPE.name);
    site.page(&place, [live(facts, part, query, &path), filter(&SHAPE, query, &path)])
}
