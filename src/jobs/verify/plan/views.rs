//! Can every materialized view be refreshed while it is read, and without work for nothing?

use std::collections::HashMap;

use super::observed::Origins;
use crate::declared::never_null;
use crate::facts::{KeyHint, MaterializedView, Oid, Readable, UniqueIndex, Views};
use crate::findings::{Finding, Place, Rule, Severity};
use crate::pg::name::quote_ident;
use crate::pg::server_error::ServerError;
use crate::work::refresh::plan::grouping_key;

/// What there is to know of the views.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub views: Views,
    /// The unique indexes of each.
    pub indexes: HashMap<Oid, Vec<UniqueIndex>>,
    /// Their queries and columns.
    pub queries: HashMap<Oid, KeyHint>,
    /// What each reads.
    pub reads: HashMap<Oid, Vec<Readable>>,
}

/// What the server refused.
#[derive(Debug, Clone)]
pub enum Refusal {
    /// To refresh the view at all.
    AtAll(ServerError),
    /// To refresh it while it is read.
    Concurrently(ServerError),
}

/// What is to be said of one view.
pub fn judge(
    view: &MaterializedView,
    refusal: Option<Refusal>,
    facts: &Facts,
    origins: &Origins,
) -> Vec<Finding> {
    let place = origins.place(view.oid);
    match refusal {
        Some(Refusal::AtAll(error)) => {
            let finding = Finding::new(&Rule::VIEW_NOT_CONCURRENT, place, error.to_string());
            let finding = Finding { severity: Severity::Error, ..finding }.about(&view.name);
            vec![
                finding
                    .help("a plain REFRESH is refused too, so what the view holds never changes"),
            ]
        }
        Some(Refusal::Concurrently(error)) => {
            let message = format!("{error}{}", unusable(view, facts));
            let finding = Finding::new(&Rule::VIEW_NOT_CONCURRENT, place, message);
            vec![finding.about(&view.name).help(proposal(view, facts))]
        }
        None => nullable(view, facts, place.as_ref()),
    }
}

fn indexes<'f>(view: &MaterializedView, facts: &'f Facts) -> &'f [UniqueIndex] {
    facts.indexes.get(&view.oid).map_or(&[], Vec::as_slice)
}

fn unusable(view: &MaterializedView, facts: &Facts) -> String {
    let unusable = indexes(view, facts).iter().find(|index| !index.is_usable);
    unusable.map_or_else(String::new, |index| {
        let name = quote_ident(&index.name);
        format!(
            "; its unique index {name} has an expression or a WHERE clause, so it does not count"
        )
    })
}

fn proposal(view: &MaterializedView, facts: &Facts) -> String {
    match facts.queries.get(&view.oid).and_then(grouping_key) {
        Some(columns) => format!(
            "CREATE UNIQUE INDEX ON {} ({}); without it every refresh makes readers wait",
            view.name,
            quoted(&columns)
        ),
        None => format!(
            "give it a unique index on the columns that tell its rows apart: CREATE UNIQUE INDEX ON \
             {} (…); without it every refresh makes readers wait",
            view.name
        ),
    }
}

/// The key columns that may be NULL, for each index that has any.
fn nullable(view: &MaterializedView, facts: &Facts, place: Option<&Place>) -> Vec<Finding> {
    let Some(KeyHint { query, columns, .. }) = facts.queries.get(&view.oid) else {
        return Vec::new();
    };
    let reads = facts.reads.get(&view.oid).map_or(&[][..], Vec::as_slice);
    let never = never_null(query, reads).unwrap_or_default();
    let is_never = |column: &String| {
        let at = columns.iter().position(|other| other == column);
        at.and_then(|at| never.get(at)).copied().unwrap_or(false)
    };
    let usable = indexes(view, facts).iter().filter(|index| index.is_usable);
    let findings = usable.filter_map(|index| {
        let may = index.columns.iter().filter(|column| !is_never(column)).cloned();
        let may = may.collect::<Vec<_>>();
        (!may.is_empty()).then(|| {
            let message = format!(
                "{} of {}, which {} indexes, may be NULL: a concurrent refresh deletes and inserts \
                 such rows each time, also where nothing changed",
                quoted(&may),
                view.name,
                quote_ident(&index.name)
            );
            let finding = Finding::new(&Rule::NULLABLE_VIEW_KEY, place.cloned(), message);
            finding.about(&view.name).help(
                "write COALESCE in the view's query, leave such rows out, or choose other columns",
            )
        })
    });
    findings.collect()
}

fn quoted(columns: &[String]) -> String {
    columns.iter().map(|column| quote_ident(column)).collect::<Vec<_>>().join(", ")
}
