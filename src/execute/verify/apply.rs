//! Applying migrations as their tool would, on a database that nobody needs.

use std::time::Instant;

use crate::declared::migrations::{Migration, Script, Statement, Wrapping, statements};
use crate::failure::{Failure, Kind, Result};
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;
use crate::plan::verify::{Applied, Place, Refused};

/// Applies the migrations in their order until one is refused. All are sent on one connection, as
/// tools do: what one of them sets the next one finds.
///
/// # Errors
/// `Connection` where the server went away.
pub async fn apply(session: &Session, migrations: &[Migration]) -> Result<Applied> {
    let started = Instant::now();
    let mut applied = 0;
    let mut refused = None;
    for migration in migrations {
        match run(session, &migration.up).await {
            Ok(()) => applied += 1,
            Err(refusal) => {
                refused = Some(refusal);
                break;
            }
        }
    }
    match refused {
        Some(refused) if refused.error.is_connection_lost() => Err(lost(refused)),
        refused => Ok(Applied { migrations: applied, refused, took: started.elapsed() }),
    }
}

/// Applies a dump, whose settings are gone afterwards.
///
/// # Errors
/// `Declaration` where the server refuses it; `Connection` where it went away.
pub async fn load_base(session: &Session, base: &Script) -> Result<()> {
    run(session, base).await.map_err(|refused| {
        if refused.error.is_connection_lost() {
            return lost(refused);
        }
        let Place { file, line, .. } = &refused.place;
        let message = format!("{}:{line}: {}", file.display(), refused.error);
        Failure::new(Kind::Declaration, message).sqlstate(refused.error.sqlstate).hint(
            "make it with pg_dump --schema-only --no-owner --no-privileges, and with --inserts if \
             it has to hold data",
        )
    })?;
    session.execute("DISCARD ALL").await.map_err(ServerError::into_failure)
}

fn lost(refused: Refused) -> Failure {
    let Place { file, line, .. } = refused.place;
    refused.error.into_failure().context(format!("{}:{line}", file.display()))
}

type Answer = std::result::Result<(), Refused>;

/// Runs a script as its tool would.
pub(super) async fn run(session: &Session, script: &Script) -> Answer {
    // What our parser does not know cannot be taken apart; the server may know it.
    let Ok(statements) = statements(script) else { return whole(session, script).await };
    if let Some(copy) = statements.iter().find(|statement| reads_from_client(statement)) {
        return Err(Refused { place: Place::of_statement(script, copy), error: copy_refused() });
    }
    match script.wrapping {
        Wrapping::Transaction => wrapped(session, script, &statements).await,
        Wrapping::None => one_by_one(session, script, &statements).await,
        Wrapping::OneMessage => message(session, script, &statements).await,
    }
}

async fn wrapped(session: &Session, script: &Script, statements: &[Statement]) -> Answer {
    begin(session, script).await?;
    one_by_one(session, script, statements).await?;
    commit(session, script, statements.last()).await
}

async fn begin(session: &Session, script: &Script) -> Answer {
    let begun = session.execute("BEGIN").await;
    begun.map_err(|error| Refused { place: Place::of_offset(script, 0), error })
}

/// Deferred constraints are checked here.
async fn commit(session: &Session, script: &Script, last: Option<&Statement>) -> Answer {
    let place = last.map_or_else(
        || Place::of_offset(script, 0),
        |statement| Place::of_statement(script, statement),
    );
    session.execute("COMMIT").await.map_err(|error| Refused { place, error })
}

async fn one_by_one(session: &Session, script: &Script, statements: &[Statement]) -> Answer {
    for statement in statements {
        if let Err(error) = session.execute(&statement.text).await {
            roll_back(session).await;
            let place = Place::within(script, statement, error.position);
            return Err(Refused { place, error });
        }
    }
    Ok(())
}

/// Whether a transaction is open or not.
async fn roll_back(session: &Session) {
    let _ = session.execute("ROLLBACK").await;
}

async fn message(session: &Session, script: &Script, statements: &[Statement]) -> Answer {
    let Err((ended, error)) = session.execute_message(&script.text).await else { return Ok(()) };
    roll_back(session).await;
    let place = match (error.position, statements.get(ended).or(statements.last())) {
        (Some(position), _) => Place::of_position(script, position),
        (None, Some(statement)) => Place::of_statement(script, statement),
        (None, None) => Place::of_offset(script, 0),
    };
    Err(Refused { place, error })
}

async fn whole(session: &Session, script: &Script) -> Answer {
    if script.wrapping != Wrapping::Transaction {
        return message(session, script, &[]).await;
    }
    begin(session, script).await?;
    message(session, script, &[]).await?;
    commit(session, script, None).await
}

/// `COPY … FROM stdin`: rows follow that only psql can send.
fn reads_from_client(statement: &Statement) -> bool {
    let words = statement.text.to_ascii_uppercase();
    let words = words.split_whitespace().collect::<Vec<_>>();
    words.first() == Some(&"COPY")
        && words.windows(2).any(|pair| pair[0] == "FROM" && pair[1].starts_with("STDIN"))
}

fn copy_refused() -> ServerError {
    ServerError {
        // feature_not_supported, as the server itself would say.
        sqlstate: Some("0A000".to_owned()),
        message: "COPY … FROM stdin needs rows that only psql sends".to_owned(),
        detail: None,
        hint: Some("use INSERT, or pg_dump --inserts".to_owned()),
        position: None,
    }
}
