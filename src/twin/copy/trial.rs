//! Statements and indexes on trial: built, shown to the planner or hidden from it, and measured.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio_postgres::types::{ToSql, Type};

use super::CopyServer;
use crate::facts::Oid;
use crate::facts::load::{ask, named};
use crate::failure::Result;
use crate::pg::name::RelationName;
use crate::pg::row::Row;
use crate::pg::server_error::ServerError;
use crate::pg::session::Answer;
use crate::twin::candidate::Wish;
use crate::twin::statement::plannable;

/// A statement that can be executed here.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurable {
    /// Prepared under this name.
    name: String,
    /// The types of its parameters.
    pub parameters: Vec<String>,
    /// With parameters in place of values.
    pub plan: Value,
}

/// An index on trial: hidden from the planner until it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialIndex {
    pub table: RelationName,
    /// With those of the partitions.
    pub oids: Vec<Oid>,
    /// Their tables.
    pub tables: BTreeSet<RelationName>,
    pub bytes: u64,
    pub time: Duration,
}

/// One execution.
#[derive(Debug, Clone, PartialEq)]
pub enum TrialRun {
    Done(RunFigures),
    /// It was given up after so long.
    TooLong,
    Failed(String),
}

/// What an execution took.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RunFigures {
    pub ms: f64,
    /// Pages that were looked at, in memory or read.
    pub buffers: f64,
    pub wal_bytes: f64,
    /// That it returned.
    pub rows: f64,
}

/// A partition that no parameter can mean is not in the plan; and all are wanted.
const WHATEVER_THE_PARAMETERS: [&str; 4] = [
    "BEGIN",
    "SET LOCAL plan_cache_mode = force_generic_plan",
    "SET LOCAL enable_partition_pruning = off",
    "SET LOCAL constraint_exclusion = off",
];

impl CopyServer {
    /// Parses a statement. `Err`: why it cannot be executed here.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn prepare(&mut self, text: &str) -> Result<std::result::Result<Measurable, String>> {
        let text = match plannable(text) {
            Ok(text) => text,
            Err(reason) => return Ok(Err(reason)),
        };
        self.prepared += 1;
        let name = format!("pgtend_s{}", self.prepared);
        let prepared = self.prepared(&name, &text).await;
        reasoned(prepared)
            .map(|answer| answer.map(|(parameters, plan)| Measurable { name, parameters, plan }))
    }

    async fn prepared(&self, name: &str, text: &str) -> Answer<(Vec<String>, Value)> {
        // The extended protocol refuses a text that is two statements for the server.
        self.owner.query(&format!("PREPARE {name} AS {text}"), &[]).await?;
        let sql = "SELECT pg_catalog.format_type(p.type, NULL) AS type \
                   FROM pg_catalog.pg_prepared_statements AS s \
                   CROSS JOIN LATERAL pg_catalog.unnest(s.parameter_types::pg_catalog.oid[]) \
                     WITH ORDINALITY AS p (type, place) \
                   WHERE s.name OPERATOR(pg_catalog.=) $1::pg_catalog.text ORDER BY p.place";
        let rows = self.owner.query(sql, &[(&name, Type::TEXT)]).await?;
        let parameters = rows.iter().map(|row| row.get("type")).collect::<Vec<String>>();
        let nulls = vec!["NULL".to_owned(); parameters.len()];
        self.owner.execute_all(&WHATEVER_THE_PARAMETERS).await?;
        let plan = self.explained(name, &nulls).await;
        self.owner.execute("ROLLBACK").await?;
        Ok((parameters, plan?))
    }

    /// The plan with these values.
    ///
    /// # Errors
    /// Those of the connection. `Err` inside: why there is none.
    pub async fn plan(
        &self,
        statement: &Measurable,
        values: &[String],
    ) -> Result<std::result::Result<Value, String>> {
        reasoned(self.explained(&statement.name, values).await)
    }

    async fn explained(&self, name: &str, values: &[String]) -> Answer<Value> {
        let sql = format!("EXPLAIN (FORMAT JSON, VERBOSE, COSTS OFF) {}", execute(name, values));
        let rows = self.owner.query(&sql, &[]).await?;
        let text = rows.first().map(|row| row.get::<_, String>(0)).unwrap_or_default();
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Executes a statement in a transaction that is rolled back.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn run(
        &self,
        statement: &Measurable,
        values: &[String],
        limit: Duration,
    ) -> Result<TrialRun> {
        let begin = [
            "BEGIN",
            "SET LOCAL plan_cache_mode = force_custom_plan",
            &format!("SET LOCAL statement_timeout = {}", limit.as_millis().max(1)),
        ];
        self.owner.execute_all(&begin).await.map_err(ServerError::into_failure)?;
        let sql = format!(
            "EXPLAIN (ANALYZE, BUFFERS, WAL, TIMING OFF, SUMMARY ON, FORMAT JSON) {}",
            execute(&statement.name, values)
        );
        let answer = self.owner.query(&sql, &[]).await;
        let ended = self.owner.execute("ROLLBACK").await;
        let run = match answer {
            Ok(rows) => {
                let text = rows.first().map(|row| row.get::<_, String>(0)).unwrap_or_default();
                match serde_json::from_str(&text).ok().and_then(|plan| figures(&plan)) {
                    Some(figures) => TrialRun::Done(figures),
                    None => TrialRun::Failed("its plan cannot be read".to_owned()),
                }
            }
            Err(error) if error.sqlstate.is_none() => return Err(error.into_failure()),
            Err(error) if error.sqlstate.as_deref() == Some("57014") => TrialRun::TooLong,
            Err(error) => TrialRun::Failed(error.to_string()),
        };
        ended.map_err(ServerError::into_failure)?;
        Ok(run)
    }

    /// Removes what was rolled back, so that the next run finds the table as the last one did, and no
    /// entry of an index that is hidden next leads to a row that is gone.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn vacuum(&self, table: &RelationName) -> Result<()> {
        let vacuumed = self.owner.execute(&format!("VACUUM (INDEX_CLEANUP ON) {table}")).await;
        vacuumed.map_err(ServerError::into_failure)
    }

    /// Builds an index and hides it. `Err`: why the server will not have it.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn add(&mut self, wish: &Wish) -> Result<std::result::Result<TrialIndex, String>> {
        self.candidates += 1;
        let name = format!("pgtend_candidate_{}", self.candidates);
        let begun = Instant::now();
        if let Err(reason) = reasoned(self.owner.execute(&wish.sql(Some(&name))).await)? {
            return Ok(Err(reason));
        }
        let time = begun.elapsed();
        let sql = include_str!("../../../sql/twin-build/index_trees_sizes.sql");
        let rows = ask(&self.superuser, sql, &[(&vec![name.as_str()], Type::TEXT_ARRAY)]).await?;
        let root = rows.iter().find(|row| row.get::<_, &str>("name") == name);
        let Some(root) = root else {
            return Ok(Err("it was not found after it was built".to_owned()));
        };
        let table = table_of(root);
        let bytes = rows.iter().map(|row| row.get::<_, i64>("bytes")).sum::<i64>();
        let built = TrialIndex {
            table,
            oids: rows.iter().map(|row| row.get("oid")).collect(),
            tables: rows.iter().map(table_of).collect(),
            bytes: u64::try_from(bytes).unwrap_or(0),
            time,
        };
        self.hide(&built).await?;
        Ok(Ok(built))
    }

    /// It is there, for the planner and for writers.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn show(&self, built: &TrialIndex) -> Result<()> {
        self.set_live(built, true).await
    }

    /// As if it were not there: writers do not maintain it either. What was written while it was there
    /// has to be cleared away before (see [`CopyServer::vacuum`]).
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn hide(&self, built: &TrialIndex) -> Result<()> {
        self.set_live(built, false).await
    }

    async fn set_live(&self, built: &TrialIndex, is_live: bool) -> Result<()> {
        let sql = include_str!("../../../sql/twin-build/live_indexes.sql");
        let params: [(&(dyn ToSql + Sync), Type); 2] =
            [(&built.oids, Type::OID_ARRAY), (&is_live, Type::BOOL)];
        ask(&self.superuser, sql, &params).await.map(drop)
    }
}

fn table_of(row: &Row) -> RelationName {
    named(row, "table_schema", "table_name")
}

fn execute(name: &str, values: &[String]) -> String {
    match values {
        [] => format!("EXECUTE {name}"),
        values => format!("EXECUTE {name} ({})", values.join(", ")),
    }
}

/// The server's refusal is an answer; a lost connection is a failure.
fn reasoned<T>(answer: Answer<T>) -> Result<std::result::Result<T, String>> {
    match answer {
        Ok(value) => Ok(Ok(value)),
        Err(error) if error.sqlstate.is_none() => Err(error.into_failure()),
        Err(error) => Ok(Err(error.to_string())),
    }
}

fn figures(plan: &Value) -> Option<RunFigures> {
    let number = |key: &str| plan.pointer(key).and_then(Value::as_f64);
    let of_plan = |key: &str| number(&format!("/0/Plan/{key}")).unwrap_or(0.0);
    Some(RunFigures {
        ms: number("/0/Execution Time")?,
        buffers: of_plan("Shared Hit Blocks") + of_plan("Shared Read Blocks"),
        wal_bytes: of_plan("WAL Bytes"),
        rows: of_plan("Actual Rows"),
    })
}
