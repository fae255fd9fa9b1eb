//! `pgtend activity`.

mod hands;
pub mod plan;
pub mod report;
mod signals;
mod signals_report;

use crate::app::command::Command;
use crate::app::manual::Example;
use std::time::Duration;

use crate::app::Context;
use crate::app::choice::Whole;
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

/// Show what runs now, who waits for whom, and idle transactions
///
/// Shows statements and transactions older than --min-duration, and every session that waits for a
/// lock or blocks another, however young. A waiting session stands below the one it waits for.
/// BLOCKS is the number of sessions that wait for it, directly or not. Prepared transactions appear
/// under their names.
///
/// Without --cancel, --terminate and --cancel-blockers-of pgtend only reads: it takes no lock and
/// ends nobody. With them it says what will be lost, asks on a terminal (scripts say --yes), sends the
/// signal only to the session that it has shown, and looks whether it has ended. It exits with 4 if
/// one was left for a reason that needs a person.
///
/// The server keeps the first track_activity_query_size bytes of a statement. On a terminal pgtend
/// cuts it to the width; -v shows all of it.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("hands").args(["cancel", "terminate", "cancel_blockers_of"]).multiple(true)))]
pub struct Args {
    /// Repeat at this interval until q or Ctrl-C [default: 2s]
    #[arg(
        long,
        value_name = "DURATION",
        num_args = 0..=1,
        default_missing_value = "2s",
        value_parser = interval
    )]
    pub watch: Option<Duration>,

    /// Leave out younger statements and transactions, unless they wait or block
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "1s",
        value_parser = duration::parse
    )]
    pub min_duration: Duration,

    /// Show sessions of all databases
    #[arg(long)]
    pub all_databases: bool,

    /// Only sessions of this role, and those they wait for or block
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,

    /// Never show statements
    #[arg(long)]
    pub no_query_text: bool,

    /// Cancel the statement of this session; its transaction is rolled back; repeatable
    #[arg(long, value_name = "PID", conflicts_with = "watch", value_parser = pid())]
    pub cancel: Vec<i32>,

    /// End this session; its transaction is rolled back; repeatable
    #[arg(long, value_name = "PID", conflicts_with = "watch", value_parser = pid())]
    pub terminate: Vec<i32>,

    /// Cancel the statements of those that hold this session up: the first ones, who wait for nobody
    /// themselves
    #[arg(long, value_name = "PID", conflicts_with = "watch", value_parser = pid())]
    pub cancel_blockers_of: Option<i32>,

    /// With --cancel, --terminate or --cancel-blockers-of: do not ask
    #[arg(short = 'y', long, requires = "hands")]
    pub yes: bool,

    /// With one of these: also autovacuum, replication, and sessions of pgtend
    #[arg(long, requires = "hands")]
    pub force: bool,
}

const fn pid() -> Whole<i32> {
    Whole::new(1, i32::MAX as u64)
}

impl Command for Args {
    const NAME: &'static str = "activity";
    const EXAMPLES: &'static [Example] = &[
        ("pgtend activity", "Show what runs and who waits"),
        ("pgtend activity --watch", "Repeat every two seconds"),
        (
            "pgtend activity --user app --min-duration 10s",
            "Show long statements of a role",
        ),
        (
            "pgtend activity --cancel-blockers-of 4711",
            "Let a session go on that waits for a lock",
        ),
    ];
    const SEE_ALSO: &'static [&'static str] = &["slow-queries"];

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let connect_options = context.connect_options("activity");
        let database = context.open(&connect_options).await?;
        if self.has_hands() {
            return signals::run(context, self, &database).await;
        }
        let session = database.reader().await?;
        let look = self.look(&database, &session).await?;
        match self.watch {
            Some(interval) => {
                let watch = watch(context, self, &database, session, look, interval);
                Ok(Box::new(context.watch(watch).await?))
            }
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
) -> Result<Page> {
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
    Ok(Page::default())
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
    /// Whether anybody is to be ended.
    fn has_hands(&self) -> bool {
        !self.cancel.is_empty() || !self.terminate.is_empty() || self.cancel_blockers_of.is_some()
    }

    async fn look(&self, database: &Database, session: &Session) -> Result<Look> {
        let mut look = look(&database.server, session, &self.wanted()).await?;
        if self.no_query_text {
            look.hide_texts();
        }
        Ok(look)
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

/// Looks once.
///
/// # Errors
/// Those of asking the server.
pub async fn look(server: &Server, session: &Session, wanted: &WantedSessions) -> Result<Look> {
    let seen = activity::load_activity(session, wanted).await?;
    let warnings = limited_view(server, &seen).into_iter().collect();
    let nodes = arrange(seen.sessions);
    Ok(Look { nodes, warnings, min_age: wanted.min_age })
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
