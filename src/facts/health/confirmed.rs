//! How large relations have to be: counted in their pages, where the statistics call them bloated.

use std::collections::HashMap;
use std::time::Duration;

use super::budget::Budget;
use super::{Health, briefly};
use crate::facts::extensions::ExtensionFunction;
use crate::facts::known::Known;
use crate::facts::reindex::{Density, density_query, read_density};
use crate::facts::{Oid, Unavailable};
use crate::failure::Result;
use crate::pg::database::Server;
use crate::pg::name::quote_ident;
use crate::pg::row::Row;
use crate::pg::session::Session;

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Confirmed {
    pub indexes: HashMap<Oid, Density>,
    pub tables: HashMap<Oid, Room>,
    /// Why others were not.
    pub unread: Option<Unavailable>,
}

/// How much of a table is room.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Room {
    pub bytes: f64,
    /// Thereof free, or of dead rows.
    pub free_bytes: f64,
}

const PGSTATTUPLE_APPROX: ExtensionFunction = ExtensionFunction {
    extension: "pgstattuple",
    name: "pgstattuple_approx",
    argument_types: "regclass",
};

/// Reads the tables and B-trees that have these names, until the time is spent.
///
/// # Errors
/// `Connection` where the connection is lost.
pub async fn load_confirmed(
    session: &Session,
    server: &Server,
    health: &Health,
    names: &[String],
    time: Duration,
) -> Result<Known<Confirmed>> {
    let room = include_str!("../../../sql/check/table_room.sql");
    let schema = PGSTATTUPLE_APPROX.load_schema(session).await?;
    let room = schema.map(|schema| room.replace("{schema}", &quote_ident(&schema)));
    let (Some(density), Some(room)) = (density_query(session).await?, room) else {
        return Ok(not_callable(server).into());
    };
    let queries = Queries { density, room };
    briefly(session, read(session, &queries, health, names, time))
        .await?
        .map(Known::Known)
}

struct Queries {
    density: String,
    room: String,
}

async fn read(
    session: &Session,
    queries: &Queries,
    health: &Health,
    names: &[String],
    time: Duration,
) -> Result<Confirmed> {
    let mut budget = Budget::new(time);
    let mut confirmed = Confirmed::default();
    let indexes = health
        .indexes
        .known()
        .into_iter()
        .flatten()
        .map(|index| (&index.object, index.oid))
        .collect::<HashMap<_, _>>();
    let tables = health
        .tables
        .known()
        .into_iter()
        .flatten()
        .map(|table| (&table.object, table.oid))
        .collect::<HashMap<_, _>>();
    for name in names {
        if let Some(oid) = indexes.get(name) {
            let rows = ask(&mut budget, session, &queries.density, (name, *oid)).await?;
            confirmed.indexes.extend(rows.first().map(|row| (*oid, read_density(row))));
        } else if let Some(oid) = tables.get(name) {
            let rows = ask(&mut budget, session, &queries.room, (name, *oid)).await?;
            confirmed.tables.extend(rows.first().map(|row| (*oid, read_room(row))));
        }
    }
    confirmed.unread = budget.unread("object was", "objects were", "--confirm");
    Ok(confirmed)
}

async fn ask(
    budget: &mut Budget,
    session: &Session,
    sql: &str,
    (name, oid): (&str, Oid),
) -> Result<Vec<Row>> {
    Ok(match budget.ask(session, sql, oid).await? {
        Some(Ok(rows)) => rows,
        Some(Err(error)) => {
            budget.refused(name, &error);
            Vec::new()
        }
        None => Vec::new(),
    })
}

#[expect(clippy::cast_precision_loss, reason = "a ratio is made of it")]
fn read_room(row: &Row) -> Room {
    let number = |column: &str| row.get::<_, i64>(column) as f64;
    Room { bytes: number("bytes"), free_bytes: number("free_bytes") }
}

fn not_callable(server: &Server) -> Unavailable {
    let role = quote_ident(&server.role);
    Unavailable::because(
        "not confirmed: pgstattuple is not installed here, or this role may not call its functions",
    )
    .help(format!("CREATE EXTENSION pgstattuple; GRANT pg_stat_scan_tables TO {role}"))
}
