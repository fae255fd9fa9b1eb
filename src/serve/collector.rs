//! Takes the facts of one target, each kind at its own times, by two connections at most: whoever looks at
//! the pages costs the database nothing. Where it cannot be reached the last facts stay.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep, sleep_until};

use super::facts::{Active, Checked, Connection, ServerFacts};
use super::list::Rows;
use super::metrics::Figures;
use super::rows::{self, relations};
use super::runs::Runs;
use super::statements::{Depth, Statements};
use super::target::Target;
use crate::app::Context;
use crate::config::ServeConfig;
use crate::declared::{self, Others};
use crate::facts::activity::WantedSessions;
use crate::facts::inventory::load_inventory;
use crate::facts::{Unavailable, history, load_all_progress};
use crate::failure::{Failure, Kind, Result};
use crate::jobs::plan_and_apply::undeclared::undeclared;
use crate::jobs::{activity, check};
use crate::pg::conninfo::Conninfo;
use crate::pg::database::{ConnectOptions, Database};
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;
use crate::work::apply::load::load_plan;
use crate::work::apply::plan::ApplyOptions;

/// Collects until it is dropped.
pub struct Collector {
    pub target: Arc<Target>,
    pub context: Context,
    pub conninfo: Conninfo,
    pub options: ConnectOptions,
    pub texts: QueryTexts,
}

/// Whether statements are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryTexts {
    Shown,
    Hidden,
}

/// What every session begins with, and has again after a look that needs other limits.
const QUIET: [&str; 3] = [
    "SET default_transaction_read_only = on",
    "SET statement_timeout = '5s'",
    "SET lock_timeout = '100ms'",
];

/// Statements and transactions that are younger say nothing.
const LEAST_AGE: Duration = Duration::from_secs(1);

/// Between two attempts to connect: this at first, twice as long each time, and no longer than that.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

impl Collector {
    pub async fn run(self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let begun = Instant::now();
            let Err(failure) = self.collect().await;
            self.lose(&failure);
            if begun.elapsed() > LONGEST_PAUSE {
                pause = FIRST_PAUSE;
            }
            sleep(jittered(pause)).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    fn lose(&self, failure: &Failure) {
        let why = failure.to_string();
        let is_new = !matches!(self.target.facts().connection, Connection::Lost(..));
        if is_new {
            self.context.console.warn(&format!("{}: {why}", self.target.name));
        }
        self.target.publish(|facts, _| {
            let since = match facts.connection {
                Connection::Lost(since, _) => since,
                _ => Timestamp::now(),
            };
            facts.connection = Connection::Lost(since, why);
        });
    }

    /// Connects, and collects until that is lost.
    async fn collect(&self) -> Result<Never> {
        let Collector { context, conninfo, options, .. } = self;
        let mut database = Database::open(conninfo, &context.environment, options).await?;
        // As every session of ours is from here on.
        database.server.read_only = true;
        let live = quiet(&database).await?;
        let server = ServerFacts {
            database: database.server.database.clone(),
            version: database.server.version.to_string(),
            role: database.server.role.clone(),
        };
        self.target.publish(|facts, _| {
            facts.connection = Connection::Up(Timestamp::now());
            facts.server = Some(server);
        });
        tokio::try_join!(self.take_facts(&database), self.follow(&database, &live))
            .map(|(never, _)| never)
    }

    /// What changes slowly, one after the other on one connection.
    async fn take_facts(&self, database: &Database) -> Result<Never> {
        let ticks = self.ticks();
        let mut statements = Statements::default();
        let mut next_check = Instant::now();
        loop {
            let begun = Instant::now();
            let is_deep = begun >= next_check;
            if is_deep {
                next_check = begun + ticks.check;
                self.check(database).await?;
                self.compare(database).await?;
                self.read_advice(database);
            }
            let session = quiet(database).await?;
            let depth = if is_deep { Depth::Plans } else { Depth::Counters };
            let seen = statements.look(self, database, &session, depth).await;
            let seen = noted(database, &session, seen)?;
            self.target.publish(|facts, number| {
                if let Ok((_, Some(load))) = &seen {
                    let past = Arc::make_mut(&mut facts.load);
                    past.push_back(*load);
                    past.drain(..past.len().saturating_sub(MOST_LOADS));
                }
                facts.statements.note(seen.map(|(statements, _)| statements), number);
            });
            let runs = self.runs(&session).await;
            let runs = noted(database, &session, runs)?;
            self.target.publish(|facts, number| facts.runs.note(runs, number));
            drop(session);
            sleep_until(next_check.min(begun + ticks.statements)).await;
        }
    }

    async fn check(&self, database: &Database) -> Result<()> {
        let session = quiet(database).await?;
        let seen = check::look::look(&session, &database.server, &self.context.config).await;
        let checked = noted(database, &session, seen)?.map(checked);
        self.target.publish(|facts, number| facts.check.note(checked, number));
        Ok(())
    }

    /// What `apply` would do by the configured files, as far as the catalog alone tells. What is written in
    /// them is read again each time.
    async fn compare(&self, database: &Database) -> Result<()> {
        let paths = &self.context.config.paths;
        let compared = match paths.is_empty() {
            true => Ok(Err("the configuration names no SQL files (paths)".to_owned())),
            false => plan_of(database, paths).await.map(Ok).or_else(|failure| {
                if is_lost(&failure) {
                    Err(failure)
                } else {
                    Ok(Err(why(failure)))
                }
            }),
        }?;
        self.target.publish(|facts, number| facts.plan.note(compared, number));
        Ok(())
    }

    fn read_advice(&self, database: &Database) {
        let advice = match &self.ticks().advice {
            Some(file) => rows::work::advice(file, &database.server.database),
            None => Err("the configuration names no file of pgtend advise --format json \
                         (serve.advice)"
                .to_owned()),
        };
        self.target.publish(|facts, number| facts.advice.note(advice, number));
    }

    async fn runs(&self, session: &Session) -> Result<Runs> {
        let owner = self.context.config.history.owner.as_deref();
        let schema = history::load_schema(session, owner).await?;
        schema.require_usable(history::HistoryPart::Runs)?;
        let facts = self.target.facts();
        let known = facts.runs.known().map(|runs| runs.tally.clone()).unwrap_or_default();
        Runs::look(session, known).await
    }

    /// What runs now: often while somebody looks.
    async fn follow(&self, database: &Database, session: &Session) -> Result<Never> {
        let viewers = &self.target.viewers;
        loop {
            let begun = Instant::now();
            self.look(database, session).await?;
            let is_slow = sleep_until(begun + self.ticks().activity);
            let is_time = sleep_until(begun + self.ticks().live);
            match viewers.any() {
                true => is_time.await,
                false => tokio::select! {
                    () = is_slow => {}
                    () = async { viewers.come().await; is_time.await } => {}
                },
            }
        }
    }

    async fn look(&self, database: &Database, session: &Session) -> Result<()> {
        let wanted = WantedSessions { min_age: LEAST_AGE, ..WantedSessions::default() };
        let seen = async {
            let mut look = activity::look(&database.server, session, &wanted).await?;
            if self.texts == QueryTexts::Hidden {
                look.hide_texts();
            }
            let progress = load_all_progress(session).await?;
            Ok(Active { rows: rows::sessions(&look), look, progress })
        };
        let active = noted(database, session, seen.await)?;
        self.target.publish(|facts, number| facts.activity.note(active, number));
        Ok(())
    }

    fn ticks(&self) -> &ServeConfig {
        &self.context.config.serve
    }
}

/// Curves reach back so many looks.
const MOST_LOADS: usize = 240;

async fn plan_of(database: &Database, paths: &[PathBuf]) -> Result<Rows> {
    let declaration = declared::load(paths, Others::Ignore)?;
    let options = ApplyOptions::default();
    let plan = load_plan(database, &declaration, &options).await?;
    let session = quiet(database).await?;
    let inventory = load_inventory(&session, &database.server, None).await?;
    Ok(rows::work::steps(&plan, &undeclared(&inventory, &plan, &options.filter)))
}

fn checked(seen: check::look::Seen) -> Checked {
    let check::look::Seen { health, judgement, glance } = seen;
    Checked {
        findings: rows::findings(&judgement),
        tables: relations::tables(&health),
        indexes: relations::indexes(&health),
        views: relations::views(&health),
        settings: rows::settings::settings(&health),
        replication: rows::replication::replication(&health),
        figures: Figures::of(&health),
        judgement,
        glance,
    }
}

/// What never is.
pub enum Never {}

/// A session that only reads, and not for long.
async fn quiet(database: &Database) -> Result<Session> {
    let session = database.reader().await?;
    quieten(&session).await?;
    Ok(session)
}

async fn quieten(session: &Session) -> Result<()> {
    session.execute_all(&QUIET).await.map_err(ServerError::into_failure)
}

/// A look that failed is a fact; a connection that is gone is not.
fn noted<T>(
    database: &Database,
    session: &Session,
    seen: Result<T>,
) -> Result<std::result::Result<T, String>> {
    if let Some(fault) = database.fault().error() {
        return Err(fault.into_failure());
    }
    match seen {
        Err(failure) if session.is_closed() || is_lost(&failure) => Err(failure),
        Err(failure) => Ok(Err(why(failure))),
        Ok(seen) => Ok(Ok(seen)),
    }
}

fn is_lost(failure: &Failure) -> bool {
    matches!(failure.kind, Kind::Connection | Kind::ServerLost)
}

/// Why something is not known, and what would help.
fn why(failure: Failure) -> String {
    Unavailable::from(failure).to_string()
}

/// Not all at the same moment, where a server that many watch was started again.
fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 1000;
    pause.mul_f64(0.75 + random as f64 / 2000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_differ() {
        let pauses = (0..100).map(|_| jittered(Duration::from_secs(4))).collect::<Vec<_>>();
        let bounds = Duration::from_secs(3)..=Duration::from_secs(5);
        assert!(pauses.iter().all(|pause| bounds.contains(pause)));
        assert!(pauses.iter().any(|pause| *pause != pauses[0]));
    }
}
