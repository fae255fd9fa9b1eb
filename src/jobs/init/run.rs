//! Bringing pgtend's own schema into a database, and out of it: plan, run the plan's first
//! transaction, plan again, until the catalog shows what is wanted. Each transaction plans afresh
//! under a lock, so that two runs at once do the work once.

use std::fmt;
use std::time::{Duration, Instant};

use super::plan::{self, SchemaStep, WantedSchema};
use crate::facts::history::{HistoryPart, load_installation, load_schema};
use crate::facts::load::ask;
use crate::failure::{Failure, Kind, Result};
use crate::format;
use crate::pg::database::{Database, Server, Workers};
use crate::pg::row::Row;
use crate::pg::server_error::ServerError;
use crate::pg::session::{Answer, Session};

/// More than any plan has steps: whoever needs more is going round in circles.
const MOST_STEPS: usize = 1000;

/// Reads the facts and makes the plan. `owner` may own the schema, too.
///
/// # Errors
/// Those of the connection, and those of [`plan::plan`].
pub async fn look(
    session: &Session,
    server: &Server,
    wanted: &WantedSchema,
    owner: Option<&str>,
) -> Result<Vec<SchemaStep>> {
    let (roles, removed) = match wanted {
        WantedSchema::Installed(roles) => (roles.as_slice(), None),
        WantedSchema::Removed => (&[][..], Some(&plan::RELATIONS[..])),
    };
    let facts = load_installation(session, server, owner, roles, removed).await?;
    plan::plan(&facts, wanted)
}

/// What the schema remembers.
#[derive(Debug, Clone, Copy)]
pub struct Remembered {
    pub runs: usize,
    pub snapshots: usize,
}

impl fmt::Display for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format::count(self.runs, "run", "runs"))?;
        match self.snapshots {
            0 => Ok(()),
            some => write!(f, " and {}", format::count(some, "snapshot", "snapshots")),
        }
    }
}

/// What would be lost with the schema; `None` where it cannot be read.
///
/// # Errors
/// Those of the connection.
pub async fn kept(database: &Database, owner: Option<&str>) -> Result<Option<Remembered>> {
    let session = database.reader().await?;
    if load_schema(&session, owner)
        .await?
        .require_usable(HistoryPart::Statements)
        .is_err()
    {
        return Ok(None);
    }
    let rows = ask(&session, include_str!("../../../sql/history/kept.sql"), &[]).await?;
    let number = |row: &Row, name: &str| usize::try_from(row.get::<_, i64>(name)).unwrap_or(0);
    let read = |row: &Row| Remembered {
        runs: number(row, "runs"),
        snapshots: number(row, "snapshots"),
    };
    Ok(rows.first().map(read))
}

/// Does what is wanted. Returns what was done, and how long it took.
///
/// # Errors
/// As [`look`], and whatever the server refuses; what was done before stays.
pub async fn run(
    database: &Database,
    wanted: &WantedSchema,
    owner: Option<&str>,
) -> Result<Vec<(SchemaStep, Duration)>> {
    let session = database.maintainer(Workers::AsConfigured).await?;
    let mut done = Vec::new();
    while done.len() < MOST_STEPS {
        let began = Instant::now();
        match turn(&session, &database.server, wanted, owner).await? {
            Some(step) => done.push((step, began.elapsed())),
            None => return Ok(done),
        }
    }
    Err(Failure::new(
        Kind::Server,
        "the catalog does not show what the statements should have done",
    ))
}

/// Plans and runs the first transaction of the plan. `None` if there is nothing left to do.
async fn turn(
    session: &Session,
    server: &Server,
    wanted: &WantedSchema,
    owner: Option<&str>,
) -> Result<Option<SchemaStep>> {
    all(session, &plan::begin()).await.map_err(explain)?;
    let step = match look(session, server, wanted, owner).await {
        Ok(steps) => steps.into_iter().next(),
        Err(failure) => {
            roll_back(session).await;
            return Err(failure);
        }
    };
    let Some(step) = step else {
        roll_back(session).await;
        return Ok(None);
    };
    let answer = match all(session, &step.statements).await {
        Ok(()) => session.execute("COMMIT").await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(()) => Ok(Some(step)),
        Err(error) => {
            roll_back(session).await;
            Err(explain(error).context(format!("{} of the schema pgtend", step.action.name())))
        }
    }
}

async fn all(session: &Session, statements: &[String]) -> Answer<()> {
    for sql in statements {
        session.execute_script(sql).await?;
    }
    Ok(())
}

/// The error that led here is the one to tell; a lost connection has rolled back by itself.
async fn roll_back(session: &Session) {
    let _ = session.execute("ROLLBACK").await;
}

fn explain(error: ServerError) -> Failure {
    let hint = match error.sqlstate.as_deref() {
        Some("55P03") => {
            "nothing was changed; another session is using the schema: try again later"
        }
        Some("2BP01") => "nothing was removed; drop or move what depends on it first",
        _ => return error.into_failure(),
    };
    error.into_failure().hint(hint)
}
