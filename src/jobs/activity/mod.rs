//! `pgtend activity`.

pub mod plan;
pub mod report;

use crate::app::command::Command;
use std::time::Duration;

use crate::app::Context;
use crate::duration;
use crate::facts::activity::{self, Activity, SessionScope, WantedSessions};
use crate::failure::{Failure, Kind, Result};
use crate::format;
use crate::output::{Page, Report};
use crate::pg::database::{Database, Server};
use crate::pg::session::Session;
use crate::warning::Warning;
use plan::arrange;
use report::Look;

/// Show what runs now, who waits for whom, and which transactions are idle
///
/// Statements and transactions that are older than --min-duration, and, however young, all sessions
/// that wait for a lock and all that are waited for. Who waits stands below whom it waits for; BLOCKS
/// is the number of sessions that wait for one, directly or not. Prepared transactions are shown under
/// their names. pgtend only looks: it takes no lock and ends nobody. To end a statement, give its pid
/// to pg_cancel_backend, to end a session, to pg_terminate_backend.
///
/// The server keeps the first track_activity_query_size bytes of a statement. On a terminal it is cut
/// to the width that is left; -v shows all of it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Look again and again, so often, until Ctrl-C [every 2s if no duration is given]
    #[arg(
        long,
        value_name = "DURATION",
        num_args = 0..=1,
        default_missing_value = "2s",
        value_parser = interval
    )]
    pub watch: Option<Duration>,

    /// Leave out statements and transactions that are younger, unless they wait or are waited for
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "1s",
        value_parser = duration::parse
    )]
    pub min_duration: Duration,

    /// Sessions of all databases, not only of this one and those that it has to do with
    #[arg(long)]
    pub all_databases: bool,

    /// Only sessions of this role, who they wait for and who waits for them
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,

    /// Do not show the statements
    #[arg(long)]
    pub no_query_text: bool,
}

impl Command for Args {
    const NAME: &'static str = "activity";

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let connect_options = context.connect_options("activity");
        let database = context.open(&connect_options).await?;
        let session = database.reader().await?;
        let look = self.look(&database, &session).await?;
        match self.watch {
            Some(interval) => watch(context, self, &database, session, look, interval).await,
            None => Ok(Box::new(look)),
        }
    }
}

/// Goes on until nobody reads it any more. A look that fails is told, and the next one may succeed: a
/// server that is in trouble is what one watches.
async fn watch(
    context: &Context,
    args: &Args,
    database: &Database,
    mut session: Session,
    first: Look,
    interval: Duration,
) -> Result<Box<dyn Report>> {
    let show = |look: &Look| context.console.show_again(look, &context.origin);
    let mut is_read = show(&first);
    while is_read {
        tokio::time::sleep(interval).await;
        match again(args, database, &mut session).await {
            Ok(look) => is_read = show(&look),
            Err(failure) if may_pass(&failure) => context.console.warn(&failure.to_string()),
            Err(failure) => return Err(failure),
        }
    }
    Ok(Box::new(Page::default()))
}

async fn again(args: &Args, database: &Database, session: &mut Session) -> Result<Look> {
    if session.is_closed() {
        *session = database.reader().await?;
    }
    args.look(database, session).await
}

fn may_pass(failure: &Failure) -> bool {
    matches!(failure.kind, Kind::Connection | Kind::Server)
}

impl Args {
    async fn look(&self, database: &Database, session: &Session) -> Result<Look> {
        let mut seen = activity::load_activity(session, &self.wanted()).await?;
        if self.no_query_text {
            seen.sessions.iter_mut().for_each(|session| session.query = None);
        }
        let warnings = limited_view(&database.server, &seen).into_iter().collect();
        let nodes = arrange(seen.sessions);
        Ok(Look { nodes, warnings, min_age: self.min_duration })
    }

    fn wanted(&self) -> WantedSessions {
        WantedSessions {
            min_age: self.min_duration,
            scope: if self.all_databases {
                SessionScope::AllDatabases
            } else {
                SessionScope::ThisDatabase
            },
            role: self.user.clone(),
        }
    }
}

fn limited_view(server: &Server, seen: &Activity) -> Option<Warning> {
    let sessions = match seen.hidden_sessions {
        0 => return None,
        hidden => format::count(hidden, "session", "sessions"),
    };
    let message = format!(
        "{} may not see what other roles do (pg_read_all_stats): the statements of {sessions} are \
         hidden, and which of them run long or are idle in a transaction is not known",
        server.role
    );
    Some(Warning {
        rule: "limited_view",
        object: server.database.clone(),
        message,
    })
}

/// Looks that follow each other without a pause would be a load.
fn interval(text: &str) -> std::result::Result<Duration, String> {
    let interval = duration::parse(text)?;
    match interval < SHORTEST_INTERVAL {
        true => Err("at least 100ms".to_owned()),
        false => Ok(interval),
    }
}

const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);
