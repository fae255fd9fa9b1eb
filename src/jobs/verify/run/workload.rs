//! Explaining a workload on the schema that the migrations leave, to see which index it would use.
//!
//! The tables are empty, so costs tell nothing. Each query is therefore planned several times, with
//! one way of reading switched off after the other, and what any of these plans uses is of use.

use std::path::Path;

use serde_json::Value;

use crate::declared::migrations::{self, Asked, Layout, MigrationStatement, Script};
use crate::declared::{self, DeclaredIndex, Others, SqlFile};
use crate::facts::explain::{Explained as Answer, Guard, generic_plan, load_table_facts};
use crate::facts::migrated::SchemaIndex;
use crate::failure::Result;
use crate::findings::Place;
use crate::jobs::verify::plan::schema::ExplainedWorkload;
use crate::pg::name::RelationName;
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;
use crate::work::explained::{self, PlanReading};

/// What the planner may not do, plan by plan.
const WAYS: [&[&str]; 3] = [
    &["enable_seqscan"],
    &["enable_seqscan", "enable_sort"],
    &["enable_seqscan", "enable_hashjoin", "enable_mergejoin"],
];

/// With these off a plan shows by its filters and sorts what an index could do.
const WITHOUT_INDEXES: &[&str] = &["enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan"];

/// Explains each query of the folder's files; none is executed.
///
/// # Errors
/// `Usage` where the folder cannot be read; those of the connection.
pub async fn explain_workload(
    session: &Session,
    folder: &Path,
    indexes: &[SchemaIndex],
) -> Result<ExplainedWorkload> {
    let asked = Asked { layout: Some(Layout::Plain), ..Asked::default() };
    let files = migrations::load(&[folder], &asked)?.migrations;
    let wanted = LookedFor {
        declared: indexes.iter().filter_map(declared).collect(),
        expressions: indexes.iter().filter_map(expression).collect(),
    };
    let mut explained = ExplainedWorkload::default();
    for file in &files {
        match migrations::parse(&file.up) {
            Ok(queries) => {
                for query in queries {
                    one(session, &file.up, &query, &wanted, &mut explained).await?;
                }
            }
            Err(error) => {
                let place = Place::new(&file.up, error.line, error.column);
                explained.not.push((place, error.message));
            }
        }
    }
    Ok(explained)
}

/// What is looked for in the plans.
struct LookedFor {
    /// The indexes as our parser reads them.
    declared: Vec<DeclaredIndex>,
    /// Those that begin with an expression, and that.
    expressions: Vec<(RelationName, String)>,
}

/// Where the planner has a choice it may take another index and filter, so an expression counts as
/// looked up wherever a plan compares or sorts by it.
fn expression(index: &SchemaIndex) -> Option<(RelationName, String)> {
    let is_expression = index.columns.first() == Some(&0);
    is_expression.then(|| (index.name.clone(), explained::bare(&index.first_key)))
}

/// The index as our parser reads it.
fn declared(index: &SchemaIndex) -> Option<DeclaredIndex> {
    let file = SqlFile { name: "".into(), text: index.definition.clone() };
    declared::understand(&[file], Others::Ignore).ok()?.indexes.pop()
}

async fn one(
    session: &Session,
    script: &Script,
    query: &MigrationStatement,
    wanted: &LookedFor,
    explained: &mut ExplainedWorkload,
) -> Result<()> {
    for way in WAYS {
        let plan = match plan_without(session, way, &query.text).await? {
            Answer::Plan(plan) => plan,
            Answer::Not(reason) => {
                explained.not.push((Place::of_statement(script, query), reason));
                return Ok(());
            }
        };
        explained.used.extend(read(session, &plan).await?.indexes);
    }
    if let Answer::Plan(plan) = plan_without(session, WITHOUT_INDEXES, &query.text).await? {
        let reading = read(session, &plan).await?;
        let served = explained::served_by(&reading, &plan, &wanted.declared).into_iter();
        explained.used.extend(served.filter_map(|(index, _)| name(index)));
        let compared = explained::compared(&plan);
        let compares = |(_, expression): &&(RelationName, String)| compared.contains(expression);
        let served = wanted.expressions.iter().filter(compares);
        explained.used.extend(served.map(|(index, _)| index.clone()));
    }
    explained.queries += 1;
    Ok(())
}

async fn plan_without(session: &Session, forbidden: &[&str], query: &str) -> Result<Answer> {
    set(session, forbidden, "off").await?;
    let plan = generic_plan(session, query, Guard::None).await?;
    set(session, forbidden, "DEFAULT").await?;
    Ok(plan)
}

async fn set(session: &Session, settings: &[&str], value: &str) -> Result<()> {
    let sql = settings
        .iter()
        .map(|setting| format!("SET {setting} = {value}"))
        .collect::<Vec<_>>();
    let (_, answer) = session.execute_message(&sql.join(";")).await;
    answer.map_err(ServerError::into_failure)
}

async fn read(session: &Session, plan: &Value) -> Result<PlanReading> {
    let facts = load_table_facts(session, &explained::relations(plan)).await?;
    Ok(explained::read(plan, &facts))
}

/// An index lives in its table's schema.
fn name(index: &DeclaredIndex) -> Option<RelationName> {
    Some(index.table.sibling(index.name.clone()?))
}
