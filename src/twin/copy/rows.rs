//! Bringing rows of production into the copy.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio_postgres::types::Type;

use super::CopyServer;
use crate::facts::Oid;
use crate::facts::load::ask;
use crate::failure::{Failure, Kind, Result};
use crate::pg::copy::Copied;
use crate::pg::database::Database;
use crate::pg::name::quote_ident;
use crate::pg::server_error::{INSUFFICIENT_PRIVILEGE, ServerError};
use crate::pg::session::Session;
use crate::twin::data::TwinRelation;
use crate::twin::ddl::qualified;

/// How much may be copied.
#[derive(Debug, Clone, Copy)]
pub struct CopyLimits {
    pub bytes: u64,
    pub time: Duration,
}

/// A table to copy.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    pub oid: Oid,
    pub schema: String,
    pub name: String,
    pub bytes: u64,
    /// So much of its pages; `None`: all of it.
    pub percent: Option<f64>,
}

/// What is printed is read by another server. A policy is an error: it would run its owner's functions,
/// and hide rows.
const BEGIN: [&str; 9] = [
    "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY",
    "SET LOCAL lock_timeout = '1s'",
    "SET LOCAL row_security = off",
    "SET LOCAL datestyle = 'ISO, YMD'",
    "SET LOCAL intervalstyle = postgres",
    "SET LOCAL extra_float_digits = 1",
    "SET LOCAL bytea_output = hex",
    "SET LOCAL lc_monetary = 'C'",
    "SET LOCAL max_parallel_workers_per_gather = 0",
];

/// As production prints.
const READ_AS_PRINTED: [&str; 5] = [
    "BEGIN",
    "SET LOCAL datestyle = 'ISO, YMD'",
    "SET LOCAL intervalstyle = postgres",
    "SET LOCAL lc_monetary = 'C'",
    "SET LOCAL statement_timeout = 0",
];

/// How often it is looked at whether somebody waits for the lock of a copy, and how many looks in a row
/// may find him.
const LOOK: Duration = Duration::from_millis(500);
const LOOKS: usize = 2;

/// How much of each table may be copied, so that all together are within the limit: small ones as a
/// whole, and the large ones share the rest.
pub(super) fn shares(mut tables: Vec<Share>, limit: u64) -> Vec<Share> {
    tables.sort_by_key(|table| (table.bytes, table.oid));
    let count = tables.len() as u64;
    let mut rest = limit;
    for (at, table) in tables.iter_mut().enumerate() {
        let fair = rest / (count - at as u64).max(1);
        if table.bytes > fair {
            let percent = fair as f64 / table.bytes as f64 * 100.0;
            table.percent = Some(percent.clamp(0.000_1, 100.0));
        }
        rest = rest.saturating_sub(table.bytes.min(fair));
    }
    tables
}

impl CopyServer {
    /// Copies these tables from production, or from a standby of it.
    ///
    /// # Errors
    /// `Privilege` where a table may not be read, with the GRANT; `Server` where it cannot be read or
    /// written, takes longer than allowed, or keeps somebody waiting.
    pub async fn copy(
        &mut self,
        production: &Database,
        tables: &[&TwinRelation],
        limits: CopyLimits,
    ) -> Result<Vec<Share>> {
        let from = production.dedicated().await?;
        let watcher = production.reader().await?;
        let shares = shares(sizes(&watcher, tables).await?, limits.bytes);
        let until = Instant::now() + limits.time;
        for share in &shares {
            let Some(relation) = tables.iter().find(|table| table.oid == share.oid) else {
                continue;
            };
            let copied = self.copy_table(&from, &watcher, relation, share, until).await;
            copied.map_err(|error| {
                error.context(format!("copying {}.{}", share.schema, share.name))
            })?;
        }
        Ok(shares)
    }

    async fn copy_table(
        &self,
        from: &Session,
        watcher: &Session,
        relation: &TwinRelation,
        share: &Share,
        until: Instant,
    ) -> Result<()> {
        let left = until.saturating_duration_since(Instant::now());
        from.execute_all(&BEGIN).await.map_err(ServerError::into_failure)?;
        // At least 1: 0 would be no limit.
        let limit = format!("SET LOCAL statement_timeout = {}", left.as_millis().max(1));
        let limited = from.execute(&limit).await.map_err(ServerError::into_failure);
        let copied = match limited {
            Ok(()) => self.locked_and_copied(from, watcher, relation, share).await,
            Err(failure) => Err(failure),
        };
        let ended = from.execute("ROLLBACK").await.map_err(ServerError::into_failure);
        copied.and(ended)
    }

    /// Once it is locked it is looked at again: its owner could have put a view in its place, whose
    /// functions would run with the rights of this role.
    async fn locked_and_copied(
        &self,
        from: &Session,
        watcher: &Session,
        relation: &TwinRelation,
        share: &Share,
    ) -> Result<()> {
        let table = qualified(&share.schema, &share.name);
        let lock = format!("LOCK TABLE ONLY {table} IN ACCESS SHARE MODE");
        from.execute(&lock).await.map_err(|error| refused(error, &table))?;
        let sql = include_str!("../../../sql/twin/copied_table.sql");
        let rows = ask(from, sql, &[(&table, Type::TEXT), (&share.oid, Type::OID)]).await?;
        let is_same = rows.first().and_then(|row| row.get::<_, Option<bool>>("is_same"));
        if is_same != Some(true) {
            return Err(Failure::new(
                Kind::Server,
                "it is no longer the table that it was when pgtend began",
            ));
        }
        let columns = relation
            .columns
            .iter()
            .filter(|column| column.generated.is_empty())
            .map(|column| quote_ident(&column.name))
            .collect::<Vec<_>>();
        let sample = match share.percent {
            None => String::new(),
            Some(percent) => format!(" TABLESAMPLE pg_catalog.system ({percent:.4})"),
        };
        let list = columns.join(", ");
        let out = format!("COPY (SELECT {list} FROM ONLY {table}{sample}) TO STDOUT");
        let into = format!("COPY {table} ({list}) FROM STDIN");
        self.owner
            .execute_all(&READ_AS_PRINTED)
            .await
            .map_err(ServerError::into_failure)?;
        let stop = somebody_waits(watcher, from.pid());
        let copied = from.copy_into(&out, &self.owner, &into, stop).await;
        let end = match copied {
            Copied::Whole(_) => "COMMIT",
            _ => "ROLLBACK",
        };
        let ended = self.owner.execute(end).await.map_err(ServerError::into_failure);
        match copied {
            Copied::Whole(_) => ended,
            Copied::NotRead(error) => Err(refused(error, &table)),
            Copied::NotWritten(error) => Err(error.into_failure().context("the copy refused a row")),
            Copied::Stopped => Err(Failure::new(
                Kind::Server,
                "another session waits for a lock that reading the table holds, so pgtend gave it up",
            )
            .hint("try again later, or read the rows from a standby: --from URL")),
        }
    }
}

async fn sizes(session: &Session, tables: &[&TwinRelation]) -> Result<Vec<Share>> {
    let oids = tables.iter().map(|table| table.oid).collect::<Vec<_>>();
    let sql = include_str!("../../../sql/twin/table_sizes.sql");
    let rows = ask(session, sql, &[(&oids, Type::OID_ARRAY)]).await?;
    let sizes = rows
        .iter()
        .map(|row| (row.get("oid"), row.get("bytes")))
        .collect::<HashMap<Oid, i64>>();
    let shares = tables.iter().filter_map(|table| {
        Some(Share {
            oid: table.oid,
            schema: table.schema.clone(),
            name: table.name.clone(),
            bytes: u64::try_from(*sizes.get(&table.oid)?).unwrap_or(0),
            percent: None,
        })
    });
    Ok(shares.collect())
}

/// Completes when somebody waits for a lock of this session's.
async fn somebody_waits(watcher: &Session, pid: i32) {
    let sql = include_str!("../../../sql/twin/held_up.sql");
    let mut seen = 0;
    loop {
        tokio::time::sleep(LOOK).await;
        let rows = ask(watcher, sql, &[(&pid, Type::INT4)]).await;
        seen = match rows {
            Ok(rows) if !rows.is_empty() => seen + 1,
            _ => 0,
        };
        if seen >= LOOKS {
            return;
        }
    }
}

fn refused(error: ServerError, table: &str) -> Failure {
    match error.sqlstate.as_deref() {
        Some(INSUFFICIENT_PRIVILEGE) => Failure::new(Kind::Privilege, error.message)
            .hint(format!("GRANT SELECT ON {table} to the role, or pg_read_all_data")),
        Some("57014") => Failure::new(Kind::Server, error.message)
            .hint("--copy-time allows more time, --max-copy makes it copy less"),
        _ => error.into_failure(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_tables_are_copied_whole_and_large_ones_share_the_rest() {
        let table = |oid, bytes| Share {
            oid,
            schema: "s".into(),
            name: oid.to_string(),
            bytes,
            percent: None,
        };
        let percents = |limit| {
            let found = shares(vec![table(1, 1000), table(2, 10), table(3, 500)], limit);
            found.iter().map(|share| (share.oid, share.percent)).collect::<Vec<_>>()
        };
        assert_eq!(percents(1510), [(2, None), (3, None), (1, None)]);
        assert_eq!(percents(1010), [(2, None), (3, None), (1, Some(50.0))]);
        assert_eq!(percents(210), [(2, None), (3, Some(20.0)), (1, Some(10.0))]);
    }
}
