//! Can every materialized view be refreshed while it is read, and without work for nothing?

use std::collections::{BTreeSet, HashMap};

use super::observed::Origins;
use crate::facts::{KeyHint, MaterializedView, NullPlan, Oid, UniqueIndex, Views};
use crate::findings::{Finding, Place, Rule, Severity};
use crate::pg::name::quote_ident;
use crate::pg::server_error::ServerError;
use crate::work::explained::{Nulls, nulls};
use crate::work::refresh::plan::grouping_key;

/// What there is to know of the views.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub views: Views,
    /// The unique indexes of each.
    pub indexes: HashMap<Oid, Vec<UniqueIndex>>,
    /// Their queries and columns.
    pub queries: HashMap<Oid, KeyHint>,
    /// Of their key columns the plans of their NULLs; none where the server made no plan.
    pub null_plans: HashMap<Oid, HashMap<String, NullPlan>>,
}

impl Facts {
    /// The key columns of the indexes by which a concurrent refresh matches the view's rows, each once.
    pub fn key_columns(&self, view: Oid) -> Vec<String> {
        let indexes = self.indexes.get(&view).map_or(&[][..], Vec::as_slice);
        let usable = indexes.iter().filter(|index| index.is_usable);
        let columns = usable.flat_map(|index| index.columns.iter().cloned());
        columns.collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn nulls(&self, view: Oid, column: &str) -> Nulls {
        let plans = self.null_plans.get(&view);
        let plan = plans.and_then(|columns| columns.get(column));
        plan.map_or(Nulls::Unknown, |plan| nulls(&plan.plan, plan.origin.as_ref()))
    }

    /// In how many of the view's key columns the server cannot tell whether there may be NULL.
    pub fn unknown_nulls(&self, view: Oid) -> usize {
        let columns = self.key_columns(view);
        columns
            .iter()
            .filter(|column| self.nulls(view, column) == Nulls::Unknown)
            .count()
    }
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
    let may_be = |column: &String| facts.nulls(view.oid, column) == Nulls::Possible;
    let usable = indexes(view, facts).iter().filter(|index| index.is_usable);
    let findings = usable.filter_map(|index| {
        let may = index
            .columns
            .iter()
            .filter(|column| may_be(column))
            .cloned()
            .collect::<Vec<_>>();
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
