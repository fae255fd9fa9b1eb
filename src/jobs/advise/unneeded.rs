//! Indexes that no statement of the workload needs.

use std::collections::BTreeSet;

use super::statements::{PlansNow, Weighed};
use crate::failure::Result;
use crate::twin::data::{TwinData, TwinIndex};
use crate::twin::{PlanVerdict, Twin};

/// An index that can be hidden without making a statement dearer.
#[derive(Debug, Clone, PartialEq)]
pub struct Unneeded {
    pub schema: String,
    pub name: String,
    pub table: String,
    pub bytes: u64,
    /// Since the counters were begun; `None`: not known.
    pub scans: Option<i64>,
    pub counted_seconds: f64,
    /// Whose scans are counted, too.
    pub other_servers: usize,
    /// The advised index that begins with its columns: once that is there, this one does nothing.
    pub covered_by: Option<String>,
    /// How many statements were asked.
    pub statements: usize,
}

/// A month: less does not show what is done once in it.
const LONG_ENOUGH_SECONDS: f64 = 30.0 * 86_400.0;
/// Small indexes cost little.
const LEAST_PAGES: u64 = 128;

impl Unneeded {
    /// Whether the counters say the same as the plans, for long enough.
    pub fn is_safe(&self) -> bool {
        self.scans == Some(0) && self.counted_seconds >= LONG_ENOUGH_SECONDS
    }
}

/// Hides each index that nothing but speed needs, beside the chosen candidates, which are shown.
/// `plans`: those of the statements with them.
///
/// # Errors
/// Those of the connection.
pub async fn find(
    twin: &Twin,
    data: &TwinData,
    statements: &[Weighed],
    tables: &[BTreeSet<(String, String)>],
    plans: &[PlansNow],
) -> Result<Vec<Unneeded>> {
    let mut found = Vec::new();
    for index in data.indexes.iter().filter(|index| may_go(index)) {
        let table = (index.schema.clone(), index.table.clone());
        let concerned = statements
            .iter()
            .enumerate()
            .filter(|(at, _)| tables[*at].contains(&table))
            .collect::<Vec<_>>();
        let oids = twin.oids_of(&index.schema, &index.name);
        twin.toggle(&oids, &[]).await?;
        let mut is_needed = false;
        for (at, weighed) in &concerned {
            if loses(&plans[*at], &weighed.plans_now(twin).await?) {
                is_needed = true;
                break;
            }
        }
        twin.toggle(&[], &oids).await?;
        if !is_needed && !concerned.is_empty() {
            found.push(Unneeded {
                schema: index.schema.clone(),
                name: index.name.clone(),
                table: index.table.clone(),
                bytes: index.pages.unwrap_or(0) * 8_192,
                scans: index.scans,
                counted_seconds: data.origin.counted_seconds,
                other_servers: 0,
                covered_by: None,
                statements: concerned.len(),
            });
        }
    }
    Ok(found)
}

/// Whether any of a statement's plans got dearer, also one for rare values alone.
fn loses(with: &PlansNow, without: &PlansNow) -> bool {
    let pairs = with.custom.iter().zip(&without.custom);
    pairs.chain([(&with.generic, &without.generic)]).any(|(with, without)| {
        let verdict = PlanVerdict::of(with.cost(), without.cost());
        matches!(verdict, PlanVerdict::Worse | PlanVerdict::NotJudged)
    })
}

/// No rule of the data, no foreign key and no replica rests on it, and it is no part of another one.
fn may_go(index: &TwinIndex) -> bool {
    index.kind == "i"
        && index.is_valid
        && index.constraint.is_none()
        && !index.is_unique
        && !index.is_replica_identity
        && !index.serves_foreign_key
        && index.parent.is_none()
        && index.pages.is_some_and(|pages| pages >= LEAST_PAGES)
}
