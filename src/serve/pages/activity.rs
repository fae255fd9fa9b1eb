//! What runs now, and who waits for whom.

use serde_json::{Value, json};

use super::findings::head;
use super::lists::{filter, pager, table, words};
use crate::facts::Progress;
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
        field("pid", "pid", Show::Id),
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

/// What the script replaces when something has changed.
pub fn body(facts: &Facts, part: &Part<'_>, query: &Query, path: &str) -> Vec<Html> {
    let mut inner = head(facts, SHAPE.title, &facts.activity.as_of());
    if let Some(active) = facts.activity.known() {
        inner.push(Html::element("p", &[], [Html::text(&active.look.summary())]));
        let warnings = active.look.warnings.iter();
        inner.extend(warnings.map(|it| Html::of_class("p", "help", &it.message)));
        inner.extend(under_way(&active.progress));
    }
    if !part.rows.is_empty() {
        inner.push(table(part, query, path, &|_, _| None));
    }
    inner.push(pager(part, query, path));
    inner
}

/// What says how far it is: builds, VACUUM, refreshes, whoever runs them.
fn under_way(all: &[Progress]) -> Vec<Html> {
    let items = all.iter().map(|it| {
        let object = it.object.as_deref().unwrap_or("an object that may not be seen");
        let by = it
            .application
            .as_deref()
            .filter(|by| !by.is_empty())
            .map_or_else(String::new, |by| format!(" by {by}"));
        let object = if it.command.starts_with("REFRESH") { "" } else { object };
        let title = format!("{} {object}{by} (pid {})", it.command, it.pid);
        let phase = it.phase.as_deref().unwrap_or("its phase may not be seen");
        let share = it.share();
        let percent = share.map_or_else(String::new, |it| format!(", {:.0} %", it * 100.0));
        let since = it.seconds.map_or_else(String::new, |it| {
            format!(", for {}", words(Show::Millis, &(it * 1e3).into()))
        });
        let waits = it.blocker_pid.map_or_else(String::new, |pid| format!(", waits for {pid}"));
        let bar = share.map(|share| {
            let share = format!("{share:.3}");
            let attributes = [("max", "1"), ("value", share.as_str()), ("aria-label", &title)];
            Html::element("progress", &attributes, [])
        });
        let said = Html::text(&format!(" {phase}{percent}{since}{waits}"));
        let line = Html::element("p", &[], bar.into_iter().chain([said]));
        Html::element("article", &[], [Html::of_class("p", "object", &title), line])
    });
    items.collect()
}

/// How far each is, for documents.
pub fn progress(all: &[Progress]) -> Value {
    let items = all.iter().map(|it| {
        json!({
            "pid": it.pid,
            "command": it.command,
            "object": it.object,
            "phase": it.phase,
            "done": it.done,
            "total": it.total,
            "share": it.share(),
            "duration_ms": it.seconds.map(|seconds| (seconds * 1e3) as i64),
            "application": it.application,
            "user": it.role,
            "waits_for_pid": it.blocker_pid,
        })
    });
    items.collect()
}

/// The page.
pub fn page(site: &Site, target: &Target, facts: &Facts, part: &Part<'_>, query: &Query) -> String {
    let title = format!("{} of {}", SHAPE.title, facts.name);
    let place = Place {
        title,
        target: Some(target),
        page: SHAPE.name,
        sections: &["activity"],
    };
    let path = site.of_target(target, SHAPE.name);
    let live = Html::element("div", &[("id", "live")], body(facts, part, query, &path));
    site.page(&place, [live, filter(&SHAPE, query, &path)])
}
