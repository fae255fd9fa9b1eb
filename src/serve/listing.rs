//! The lists of a target by their names in addresses, and how much of each is known.

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
    /// The list of that name; `index` is what the first page of a target shows.
    pub fn named(facts: &Facts, name: &str) -> Option<Self> {
        let checked = facts.check.known();
        let of_check = |shape: &'static Shape, listed: Option<&Listed>| {
            Listing::of(&facts.check, shape, listed.cloned())
        };
        Some(match name {
            "index" => {
                let listed = checked.map(|it| Ok(Arc::clone(&it.findings)));
                let listing = Listing::of(&facts.check, &findings::SHAPE, listed);
                listing.with("glance", json!(checked.map(|it| &it.glance)))
            }
            "tables" => of_check(&TABLES, checked.map(|it| &it.tables)),
            "indexes" => of_check(&INDEXES, checked.map(|it| &it.indexes)),
            "views" => of_check(&VIEWS, checked.map(|it| &it.views)),
            "settings" => partly(facts, &SETTINGS, |it| &it.settings),
            "replication" => partly(facts, &REPLICATION, |it| &it.replication),
            "activity" => activity_of(facts),
            "statements" => statements_of(facts),
            "runs" => {
                let rows = facts.runs.known().map(|runs| Ok(Arc::clone(&runs.rows)));
                Listing::of(&facts.runs, &RUNS, rows)
            }
            "plan" => of_rows(&facts.plan, &PLAN),
            "advice" => of_rows(&facts.advice, &ADVICE),
            _ => return None,
        })
    }

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

fn of_rows(section: &Section<Rows>, shape: &'static Shape) -> Listing {
    Listing::of(section, shape, section.known().map(|rows| Ok(Arc::clone(rows))))
}

fn partly(facts: &Facts, shape: &'static Shape, of: fn(&Checked) -> &Partly) -> Listing {
    let known = facts.check.known().map(of);
    let listing = Listing::of(&facts.check, shape, known.map(|it| it.rows.clone()));
    let gaps = known.map(|it| it.gaps.clone()).unwrap_or_default();
    let told = gaps.iter().map(|gap| format!("{}: {gap}", shape.name));
    let unknown = listing.unknown.iter().cloned().chain(told).collect();
    Listing { unknown, gaps, ..listing }
}

fn activity_of(facts: &Facts) -> Listing {
    let active = facts.activity.known();
    let listed = active.map(|it| Ok(Arc::clone(&it.rows)));
    let listing = Listing::of(&facts.activity, &activity::SHAPE, listed);
    let progress = json!(active.map(|it| activity::progress(&it.progress)));
    Listing { caching: Caching::NoStore, ..listing }.with("progress", progress)
}

fn statements_of(facts: &Facts) -> Listing {
    let seen = facts.statements.known();
    let listed = seen.map(|it| Ok(Arc::clone(&it.rows)));
    let listing = Listing::of(&facts.statements, &STATEMENTS, listed);
    let warnings = seen.map(|it| it.warnings.clone()).unwrap_or_default();
    Listing { warnings, ..listing }.with("totals", json!(seen.map(|it| &it.totals)))
}
