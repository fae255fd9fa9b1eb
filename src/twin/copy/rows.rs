//! Bringing rows of production into the copy.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio_postgres::types::Type;

use super::CopyServer;
use super::samples::{self, Join, Partner};
use crate::facts::Oid;
use crate::facts::load::ask;
use crate::facts::planned_code::{UNCOUNTED, lock_for_planning, lock_for_reading};
use crate::failure::{Failure, Kind, Result};
use crate::pg::copy::Copied;
use crate::pg::database::Database;
use crate::pg::name::{RelationName, quote_ident};
use crate::pg::server_error::{INSUFFICIENT_PRIVILEGE, QUERY_CANCELED, ServerError};
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
    pub is_materialized_view: bool,
    pub bytes: u64,
    /// So much of it; `None`: all of it.
    pub percent: Option<f64>,
    /// With a partner: the rows that belong to his; else pages.
    pub partner: Option<Partner>,
    /// It is a partner, and has none.
    pub is_leading: bool,
    /// Of the rows that belong to the partner's, so many are read at most.
    pub most_rows: Option<u64>,
}

impl Share {
    pub(super) fn of(relation: &TwinRelation, bytes: u64) -> Share {
        Share {
            oid: relation.oid,
            schema: relation.schema.clone(),
            name: relation.name.clone(),
            is_materialized_view: relation.kind == "m",
            bytes,
            percent: None,
            partner: None,
            is_leading: false,
            most_rows: None,
        }
    }

    pub fn relation(&self) -> RelationName {
        RelationName::qualified(self.schema.clone(), self.name.clone())
    }

    pub(super) fn is(&self, name: &RelationName) -> bool {
        name.schema.as_ref() == Some(&self.schema) && name.name == self.name
    }
}

/// What is printed is read by another server. A policy is an error: it would run its owner's functions,
/// and hide rows.
const BEGIN: [&str; 10] = [
    "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY",
    "SET LOCAL lock_timeout = '1s'",
    "SET LOCAL row_security = off",
    "SET LOCAL datestyle = 'ISO, YMD'",
    "SET LOCAL intervalstyle = postgres",
    "SET LOCAL extra_float_digits = 1",
    "SET LOCAL bytea_output = hex",
    "SET LOCAL lc_monetary = 'C'",
    "SET LOCAL max_parallel_workers_per_gather = 0",
    UNCOUNTED,
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
    /// Copies these tables from production, or from a standby of it. Of those that do not fit, rows that
    /// these joins bring together.
    ///
    /// # Errors
    /// `Privilege` where a table may not be read, with the GRANT; `Server` where it cannot be read or
    /// written, takes longer than allowed, or keeps somebody waiting.
    pub async fn copy(
        &mut self,
        production: &Database,
        tables: &[&TwinRelation],
        joins: &[Join],
        limits: CopyLimits,
    ) -> Result<Vec<Share>> {
        let way = Way {
            from: production.dedicated().await?,
            watcher: production.reader().await?,
        };
        let shares = shares(sizes(&way.watcher, tables).await?, limits.bytes);
        let mut shares = samples::with_partners(shares, joins, tables);
        let until = Instant::now() + limits.time;
        for at in 0..shares.len() {
            let Some(relation) = tables.iter().find(|table| table.oid == shares[at].oid) else {
                continue;
            };
            let mut rows = self.copy_table(&way, relation, &shares[at], &shares, until).await;
            if shares[at].partner.is_some() && rows.as_ref().is_err_and(took_too_long) {
                shares[at].partner = None;
                rows = self.copy_table(&way, relation, &shares[at], &shares, until).await;
            }
            let share = &mut shares[at];
            let rows =
                rows.map_err(|error| error.context(format!("copying {}", share.relation())))?;
            if share.partner.is_some() {
                share.percent = Some((rows as f64 / relation.rows().max(1.0) * 100.0).min(100.0));
            }
        }
        Ok(shares)
    }

    /// How many rows it has copied.
    async fn copy_table(
        &self,
        way: &Way,
        relation: &TwinRelation,
        share: &Share,
        shares: &[Share],
        until: Instant,
    ) -> Result<u64> {
        let from = &way.from;
        let left = until.saturating_duration_since(Instant::now());
        // Rows that belong to others may take a look at all of the table; then there is time left for pages.
        let left = if share.partner.is_some() { left / 2 } else { left };
        from.execute_all(&BEGIN).await.map_err(ServerError::into_failure)?;
        // At least 1: 0 would be no limit.
        let limit = format!("SET LOCAL statement_timeout = {}", left.as_millis().max(1));
        let limited = from.execute(&limit).await.map_err(ServerError::into_failure);
        let copied = match limited {
            Ok(()) => self.locked_and_copied(way, relation, share, shares).await,
            Err(failure) => Err(failure),
        };
        let ended = from.execute("ROLLBACK").await.map_err(ServerError::into_failure);
        copied.and_then(|rows| ended.map(|()| rows))
    }

    async fn locked_and_copied(
        &self,
        way: &Way,
        relation: &TwinRelation,
        share: &Share,
        shares: &[Share],
    ) -> Result<u64> {
        let Way { from, watcher } = way;
        let by_query = is_read_by_query(relation, share);
        for read in samples::chain(share, shares).into_iter().chain([share]) {
            lock(from, read, by_query).await?;
        }
        let columns = relation
            .columns
            .iter()
            .filter(|column| column.generated.is_empty())
            .map(|column| quote_ident(&column.name))
            .collect::<Vec<_>>();
        let table = qualified(&share.schema, &share.name);
        let names = columns.join(", ");
        let out = match by_query {
            true => {
                let own = columns.iter().map(|column| format!("t0.{column}")).collect::<Vec<_>>();
                let source = samples::source(share, shares);
                format!("COPY (SELECT {} {source}) TO STDOUT", own.join(", "))
            }
            false => format!("COPY {table} ({names}) TO STDOUT"),
        };
        let into = format!("COPY {table} ({names}) FROM STDIN");
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
            Copied::Whole(rows) => ended.map(|()| rows),
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

/// The sessions that rows come by.
struct Way {
    from: Session,
    /// Sees who waits for the former.
    watcher: Session,
}

/// A table of which all is read needs no plan, so that nothing of its owner's runs.
fn is_read_by_query(relation: &TwinRelation, share: &Share) -> bool {
    relation.kind != "r" || share.percent.is_some() || share.partner.is_some()
}

/// Once it is locked it is looked at again: its owner could have put a view in its place, whose functions
/// would run with the rights of this role.
async fn lock(from: &Session, share: &Share, by_query: bool) -> Result<()> {
    let table = qualified(&share.schema, &share.name);
    let locked = lock_for_reading(from, &table, share.is_materialized_view).await;
    locked.map_err(|error| refused(error, &table))?;
    let sql = include_str!("../../../sql/twin/copied_table.sql");
    let rows = ask(from, sql, &[(&table, Type::TEXT), (&share.oid, Type::OID)]).await?;
    let is_same = rows.first().and_then(|row| row.get::<_, Option<bool>>("is_same"));
    match is_same {
        Some(true) if by_query => {
            let locked = lock_for_planning(from, &table, share.oid).await?;
            locked.map_err(|why| Failure::new(Kind::Privilege, format!("{table}: {why}")))
        }
        Some(true) => Ok(()),
        _ => Err(Failure::new(
            Kind::Server,
            format!("{table} is no longer the table that it was when pgtend began"),
        )),
    }
}

fn took_too_long(failure: &Failure) -> bool {
    failure.sqlstate.as_deref() == Some(QUERY_CANCELED)
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
        let bytes = u64::try_from(*sizes.get(&table.oid)?).unwrap_or(0);
        Some(Share::of(table, bytes))
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
        Some(QUERY_CANCELED) => Failure {
            sqlstate: error.sqlstate,
            ..Failure::new(Kind::Server, error.message)
                .hint("--copy-time allows more time, --max-copy makes it copy less")
        },
        _ => error.into_failure(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_tables_are_copied_whole_and_large_ones_share_the_rest() {
        let table = |oid, bytes| Share::of(&TwinRelation { oid, ..TwinRelation::default() }, bytes);
        let percents = |limit| {
            let found = shares(vec![table(1, 1000), table(2, 10), table(3, 500)], limit);
            found.iter().map(|share| (share.oid, share.percent)).collect::<Vec<_>>()
        };
        assert_eq!(percents(1510), [(2, None), (3, None), (1, None)]);
        assert_eq!(percents(1010), [(2, None), (3, None), (1, Some(50.0))]);
        assert_eq!(percents(210), [(2, None), (3, Some(20.0)), (1, Some(10.0))]);
    }
}
