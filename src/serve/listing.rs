//! The pages of a target, each a list, and how much of each is known.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::answer::Caching;
use super::facts::{Checked, Facts, Section, written};
use super::list::{Rows, Shape};
use super::pages::{activity, findings};
use super::rows::Partly;
use super::rows::relations::{INDEXES, Listed, TABLES, VIEWS};
use super::rows::replication::REPLICATION;
use super::rows::settings::SETTINGS;
use super::rows::statements::STATEMENTS;
use super::rows::work::{ADVICE, PLAN, RUNS};

/// A page of a target.
pub struct Page {
    /// What leads there.
    pub words: &'static str,
    pub shape: &'static Shape,
    listing: fn(&Facts, &'static Shape) -> Listing,
}

const fn page(
    words: &'static str,
    shape: &'static Shape,
    listing: fn(&Facts, &'static Shape) -> Listing,
) -> Page {
    Page { words, shape, listing }
}

/// All of them, in their order.
pub static PAGES: [Page; 11] = [
    page("Checks", &findings::SHAPE, findings_of),
    page("Activity", &activity::SHAPE, activity_of),
    page("Statements", &STATEMENTS, statements_of),
    page("Tables", &TABLES, |facts, shape| of_check(facts, shape, |it| &it.tables)),
    page("Indexes", &INDEXES, |facts, shape| of_check(facts, shape, |it| &it.indexes)),
    page("Views", &VIEWS, |facts, shape| of_check(facts, shape, |it| &it.views)),
    page("Plan", &PLAN, |facts, shape| of_rows(&facts.plan, shape)),
    page("Advice", &ADVICE, |facts, shape| of_rows(&facts.advice, shape)),
    page("Runs", &RUNS, runs_of),
    page("Settings", &SETTINGS, |facts, shape| partly(facts, shape, |it| &it.settings)),
    page("Replication", &REPLICATION, |facts, shape| {
        partly(facts, shape, |it| &it.replication)
    }),
];

impl Page {
    /// As its address calls it; the first page has that of its target.
    pub fn address(&self) -> &'static str {
        if self.is_first() { "" } else { self.shape.name }
    }

    /// Whether it is what the address of a target leads to.
    pub fn is_first(&self) -> bool {
        self.shape.name == findings::SHAPE.name
    }

    pub fn listing(&self, facts: &Facts) -> Listing {
        (self.listing)(facts, self.shape)
    }
}

/// The page of that name; `index` is the first one.
pub fn named(name: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.shape.name == name)
}

/// A list, of when it is, and why it says less than it could.
pub struct Listing {
    pub shape: &'static Shape,
    /// The facts that it is of.
    pub section: &'static str,
    pub rows: Rows,
    /// For people.
    pub as_of: String,
    pub unknown: Vec<String>,
    /// What its rows lack.
    pub gaps: Vec<String>,
    /// What should be known besides.
    pub warnings: Vec<String>,
    pub caching: Caching,
    /// What its document says besides.
    pub more: Map<String, Value>,
}

impl Listing {
    fn of<T>(section: &Section<T>, shape: &'static Shape, listed: Option<Listed>) -> Self {
        let (rows, why) = match listed {
            Some(Ok(rows)) => (rows, None),
            Some(Err(why)) => (Rows::default(), Some(why)),
            None => (Rows::default(), None),
        };
        let as_of = match &why {
            Some(why) => format!("not known: {why}"),
            None => section.as_of(),
        };
        let at = section.seen.as_ref().map(|(_, at)| written(*at));
        let unknown = why.map(|why| format!("{}: {why}", shape.name));
        Listing {
            shape,
            section: section.name,
            rows,
            as_of,
            unknown: section.unknown().into_iter().chain(unknown).collect(),
            gaps: Vec::new(),
            warnings: Vec::new(),
            caching: Caching::Minute,
            more: Map::from_iter([("as_of".to_owned(), json!(at))]),
        }
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.more.insert(name.to_owned(), value);
        self
    }
}

fn findings_of(facts: &Facts, shape: &'static Shape) -> Listing {
    let checked = facts.check.known();
    let listed = checked.map(|it| Ok(Arc::clone(&it.findings)));
    let glance = json!(checked.map(|it| &it.glance));
    Listing::of(&facts.check, shape, listed).with("glance", glance)
}

fn of_check(facts: &Facts, shape: &'static Shape, of: fn(&Checked) -> &Listed) -> Listing {
    Listing::of(&facts.check, shape, facts.check.known().map(|it| of(it).clone()))
}

fn of_rows(section: &Section<Rows>, shape: &'static Shape) -> Listing {
    Listing::of(section, shape, section.known().map(|rows| Ok(Arc::clone(rows))))
}

fn runs_of(facts: &Facts, shape: &'static Shape) -> Listing {
    let rows = facts.runs.known().map(|runs| Ok(Arc::clone(&runs.rows)));
    Listing::of(&facts.runs, shape, rows)
}

fn partly(facts: &Facts, shape: &'static Shape, of: fn(&Checked) -> &Partly) -> Listing {
    let known = facts.check.known().map(of);
    let listing = Listing::of(&facts.check, shape, known.map(|it| it.rows.clone()));
    let gaps = known.map(|it| it.gaps.clone()).unwrap_or_default();
    let told = gaps.iter().map(|gap| format!("{}: {gap}", shape.name));
    let unknown = listing.unknown.iter().cloned().chain(told).collect();
    Listing { unknown, gaps, ..listing }
}

fn activity_of(facts: &Facts, shape: &'static Shape) -> Listing {
    let active = facts.activity.known();
    let listed = active.map(|it| Ok(Arc::clone(&it.rows)));
    let listing = Listing::of(&facts.activity, shape, listed);
    let progress = json!(active.map(|it| activity::progress(&it.progress)));
    Listing { caching: Caching::NoStore, ..listing }.with("progress", progress)
}

fn statements_of(facts: &Facts, shape: &'static Shape) -> Listing {
    let seen = facts.statements.known();
    let listed = seen.map(|it| Ok(Arc::clone(&it.rows)));
    let listing = Listing::of(&facts.statements, shape, listed);
    let warnings = seen.map(|it| it.warnings.clone()).unwrap_or_default();
    Listing { warnings, ..listing }.with("totals", json!(seen.map(|it| &it.totals)))
}
