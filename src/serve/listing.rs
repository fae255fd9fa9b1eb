//! The lists of a target by their names in addresses, and how much of each is known.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::answer::Caching;
use super::facts::{Facts, Section, written};
use super::list::{Rows, Shape};
use super::pages::{activity, findings};
use super::rows::relations::{INDEXES, Listed, TABLES, VIEWS};

/// A list, of when it is, and why it says less than it could.
pub struct Listing {
    pub shape: &'static Shape,
    pub rows: Rows,
    /// For people.
    pub as_of: String,
    pub unknown: Vec<String>,
    pub caching: Caching,
    /// What its document says besides.
    pub more: Map<String, Value>,
}

impl Listing {
    /// The list of that name; `index` is what the first page of a target shows.
    pub fn named(facts: &Facts, name: &str) -> Option<Self> {
        let checked = facts.check.known();
        let of_check = |shape: &'static Shape, listed: Option<&Listed>| {
            Some(Listing::of(&facts.check, shape, listed.cloned()))
        };
        match name {
            "index" => {
                let listed = checked.map(|it| Ok(Arc::clone(&it.findings)));
                let mut listing = Listing::of(&facts.check, &findings::SHAPE, listed);
                let glance = json!(checked.map(|it| &it.glance));
                listing.more.insert("glance".to_owned(), glance);
                Some(listing)
            }
            "tables" => of_check(&TABLES, checked.map(|it| &it.tables)),
            "indexes" => of_check(&INDEXES, checked.map(|it| &it.indexes)),
            "views" => of_check(&VIEWS, checked.map(|it| &it.views)),
            "activity" => {
                let listed = facts.activity.known().map(|it| Ok(Arc::clone(&it.rows)));
                let listing = Listing::of(&facts.activity, &activity::SHAPE, listed);
                Some(Listing { caching: Caching::NoStore, ..listing })
            }
            _ => None,
        }
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
            rows,
            as_of,
            unknown: section.unknown().into_iter().chain(unknown).collect(),
            caching: Caching::Minute,
            more: Map::from_iter([("as_of".to_owned(), json!(at))]),
        }
    }
}
