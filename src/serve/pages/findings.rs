//! What `check` found of a target, each with the command that helps.

use super::curve::curve;
use crate::jobs::check::page as check_page;
use crate::output::html::Html;
use crate::serve::facts::{Connection, Facts, Load};
use crate::serve::list::{Shape, Show, field};
use crate::serve::query::Order;
use crate::serve::site::{Place, Site, link};
use crate::serve::target::Target;

pub static SHAPE: Shape = Shape {
    name: "findings",
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
pub fn page(site: &Site, target: &Target, facts: &Facts) -> String {
    let place = Place {
        title: facts.name.clone(),
        target: Some(target),
        page: "",
        sections: &["checks", "statements"],
    };
    site.page(&place, [Html::element("div", &[("id", "live")], body(site, target, facts))])
}

/// What stands on it.
pub fn body(site: &Site, target: &Target, facts: &Facts) -> Vec<Html> {
    let mut parts = head(facts, &facts.name, &facts.check.as_of());
    parts.extend(facts.activity.known().map(|active| {
        let now = link(&site.of_target(target, "activity"), &active.look.summary());
        Html::element("p", &[], [Html::text("Now: "), now])
    }));
    let points = |value: fn(&Load) -> f64| {
        facts.load.iter().map(|load| (load.at, value(load))).collect::<Vec<_>>()
    };
    let calls = points(|load| load.calls_per_second);
    let running = points(|load| load.running);
    let charts = [
        curve("Statements a second", &calls, |rate| format!("{rate:.1}/s")),
        curve("Statements that run at once", &running, |number| format!("{number:.2}")),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>();
    if !charts.is_empty() {
        parts.push(Html::element("div", &[("class", "charts")], charts));
    }
    if let Some(checked) = facts.check.known() {
        parts.extend(check_page::body(&checked.judgement, &checked.glance));
    }
    parts
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
