//! The real ends of indexed columns. A constant beyond the first or last bound of a histogram makes
//! the planner look at the index itself (`get_actual_variable_range` in PostgreSQL's selfuncs.c), and
//! the twin's indexes are empty. So the least and the greatest value are asked for: two index probes
//! each, the only reads of tables that a twin needs.

use std::collections::{BTreeSet, HashMap, HashSet};

use tokio_postgres::types::Type;

use super::data::{ColumnEnds, TwinColumn, TwinData, TwinIndex, TwinRelation};
use crate::facts::load::ask;
use crate::facts::planned_code::{UNCOUNTED, lock_for_planning};
use crate::failure::Result;
use crate::pg::name::{quote_ident, quote_literal};
use crate::pg::session::{Answer, Session};

/// An index whose end is full of dead rows is slow to probe, and a locked table is not waited for.
const BEGIN: [&str; 10] = [
    "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY",
    "SET LOCAL statement_timeout = '2s'",
    "SET LOCAL lock_timeout = '100ms'",
    "SET LOCAL enable_seqscan = off",
    "SET LOCAL enable_bitmapscan = off",
    "SET LOCAL max_parallel_workers_per_gather = 0",
    "SET LOCAL datestyle = 'ISO, YMD'",
    "SET LOCAL intervalstyle = postgres",
    "SET LOCAL extra_float_digits = 1",
    UNCOUNTED,
];

/// Reads the ends of the columns that B-trees begin with, table by table. A table that is locked or
/// slow is left out: its histogram stands as it is. So is one on which a query would run somebody's code, with
/// the reason.
///
/// # Errors
/// Those of the connection.
pub async fn load_ends(
    session: &Session,
    data: &TwinData,
) -> Result<(Vec<ColumnEnds>, Vec<String>)> {
    let (mut ends, mut unread) = (Vec::new(), Vec::new());
    for (relation, columns) in probed(data) {
        let read = probe(session, relation, &columns).await;
        session.execute("ROLLBACK").await.map_err(|error| error.into_failure())?;
        match read {
            Ok(Ok(read)) => ends.extend(read),
            Ok(Err(why)) => unread.push(format!(
                "{}.{}: the least and the greatest values of its columns are not read, so costs of ranges at their ends \
                 may differ: {why}",
                relation.schema, relation.name
            )),
            Err(_) => {}
        }
    }
    Ok((ends, unread))
}

type Probed<'d> = Vec<(&'d TwinRelation, BTreeSet<&'d str>)>;

/// Columns of the system's own types that have a histogram and lead a whole B-tree in the type's order.
fn probed(data: &TwinData) -> Probed<'_> {
    let with_histogram = data
        .column_statistics
        .iter()
        .filter(|row| row.histogram_bounds.is_some())
        .map(|row| (row.schema.as_str(), row.relation.as_str(), row.column.as_str()))
        .collect::<HashSet<_>>();
    let mut leading: HashMap<(&str, &str), BTreeSet<&str>> = HashMap::new();
    for index in &data.indexes {
        let table = (index.schema.as_str(), index.table.as_str());
        if let Some(column) = leading_column(index)
            && with_histogram.contains(&(table.0, table.1, column))
        {
            leading.entry(table).or_default().insert(column);
        }
    }
    let candidates = data.relations.iter().filter(|relation| may_be_probed(relation));
    let probed = candidates.filter_map(|relation| {
        let mut columns = leading.remove(&(relation.schema.as_str(), relation.name.as_str()))?;
        columns.retain(|name| relation.columns.iter().any(|known| is_plain(known, name)));
        (!columns.is_empty()).then_some((relation, columns))
    });
    probed.collect()
}

/// Nothing of the table's owner runs when it is read: no view, no policy, no foreign table.
fn may_be_probed(relation: &TwinRelation) -> bool {
    relation.kind == "r"
        && relation.may_read
        && !relation.has_row_security
        && relation.access_method.as_deref() == Some("heap")
        && relation.pages.is_some_and(|pages| pages > 0)
}

fn leading_column(index: &TwinIndex) -> Option<&str> {
    let is_tree = index.access_method == "btree" && index.is_valid && !index.is_partial;
    let key = index.keys.first().filter(|_| is_tree)?;
    key.column.as_deref().filter(|_| key.is_default_order == Some(true))
}

/// With an empty search path only the system's types are printed without a schema.
fn is_plain(column: &TwinColumn, name: &str) -> bool {
    column.name == name && !column.of.contains('.') && column.generated.is_empty()
}

/// Once the table is locked it is looked at again: its owner could have put a view in its place, whose
/// functions would run with the rights of this role.
async fn probe(
    session: &Session,
    relation: &TwinRelation,
    columns: &BTreeSet<&str>,
) -> Result<std::result::Result<Vec<ColumnEnds>, String>> {
    let table = format!("{}.{}", quote_ident(&relation.schema), quote_ident(&relation.name));
    let lock = format!("LOCK TABLE ONLY {table} IN ACCESS SHARE MODE");
    let begin = BEGIN.map(str::to_owned).into_iter().chain([lock]).collect::<Vec<_>>();
    let begun = session.pipeline(&begin).await.into_iter().collect::<Answer<Vec<_>>>();
    begun.map_err(|error| error.into_failure())?;
    let still = include_str!("../../sql/twin/same_table.sql");
    let rows = ask(session, still, &[(&table, Type::TEXT), (&relation.oid, Type::OID)]).await?;
    if !rows
        .first()
        .is_some_and(|row| row.get::<_, Option<bool>>("is_same").unwrap_or(false))
    {
        return Ok(Ok(Vec::new()));
    }
    if let Err(why) = lock_for_planning(session, &table, relation.oid).await? {
        return Ok(Err(why));
    }
    let probes = columns.iter().map(|column| {
        let (name, literal) = (quote_ident(column), quote_literal(column));
        let end = |operator: &str| {
            format!(
                "(SELECT t.{name} FROM ONLY {table} AS t WHERE t.{name} IS NOT NULL \
                 ORDER BY t.{name} USING OPERATOR(pg_catalog.{operator}) LIMIT 1)::pg_catalog.text"
            )
        };
        format!(
            "SELECT {literal}::pg_catalog.text AS pgtend_end, {} AS least, {} AS greatest",
            end("<"),
            end(">")
        )
    });
    let sql = probes.collect::<Vec<_>>().join(" UNION ALL ");
    let rows = ask(session, &sql, &[]).await?;
    let ends = rows.iter().filter_map(|row| {
        Some(ColumnEnds {
            schema: relation.schema.clone(),
            relation: relation.name.clone(),
            column: row.get("pgtend_end"),
            least: row.get::<_, Option<String>>("least")?,
            greatest: row.get::<_, Option<String>>("greatest")?,
        })
    });
    Ok(Ok(ends.collect()))
}
