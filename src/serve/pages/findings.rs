//! What `check` found of a target, each with the command that helps.

use crate::jobs::check::page;
use crate::output::html::Html;
use crate::serve::facts::{Connection, Facts};
use crate::serve::list::{Shape, Show, field};
use crate::serve::query::Order;
use crate::serve::site::{Place, Site};
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
    let place = Place { title: facts.name.clone(), target: Some(target), page: "" };
    let body = match facts.check.known() {
        Some(checked) => page::body(&checked.judgement, &checked.glance),
        None => Vec::new(),
    };
    site.page(&place, head(facts, &facts.name, &facts.check.as_of()).into_iter().chain(body))
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
