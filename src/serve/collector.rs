//! Takes the facts of one target, each kind at its own times, by two connections at most: whoever looks at
//! the pages costs the database nothing. Where it cannot be reached the last facts stay.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, sleep, sleep_until};

use super::facts::{Active, Checked, Connection, ServerFacts};
use super::rows::{self, relations};
use super::target::Target;
use crate::app::Context;
use crate::config::ServeConfig;
use crate::facts::activity::WantedSessions;
use crate::failure::{Failure, Kind, Result};
use crate::jobs::{activity, check};
use crate::pg::conninfo::Conninfo;
use crate::pg::database::{ConnectOptions, Database};
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;

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
        self.target.publish(|facts| {
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
        let database = Database::open(conninfo, &context.environment, options).await?;
        let (facts, live) = (quiet(&database).await?, quiet(&database).await?);
        let server = ServerFacts {
            database: database.server.database.clone(),
            version: database.server.version.to_string(),
            role: database.server.role.clone(),
        };
        self.target.publish(|facts| {
            facts.connection = Connection::Up(Timestamp::now());
            facts.server = Some(server);
        });
        tokio::try_join!(self.take_facts(&database, &facts), self.follow(&database, &live))
            .map(|(never, _)| never)
    }

    /// What changes slowly.
    async fn take_facts(&self, database: &Database, session: &Session) -> Result<Never> {
        let every = &self.ticks().check;
        loop {
            let begun = Instant::now();
            let seen = check::look::look(session, &database.server, &self.context.config).await;
            let checked = noted(database, session, seen)?.map(checked);
            quieten(session).await?;
            self.target.publish(|facts| facts.check.note(checked));
            sleep_until(begun + *every).await;
        }
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
        let mut seen = activity::look(&database.server, session, &wanted).await;
        if let (QueryTexts::Hidden, Ok(look)) = (self.texts, &mut seen) {
            look.hide_texts();
        }
        let active = noted(database, session, seen)?
            .map(|look| Active { rows: rows::sessions(&look), look });
        self.target.publish(|facts| facts.activity.note(active));
        Ok(())
    }

    fn ticks(&self) -> &ServeConfig {
        &self.context.config.serve
    }
}

fn checked(seen: check::look::Seen) -> Checked {
    let check::look::Seen { health, judgement, glance } = seen;
    Checked {
        findings: rows::findings(&judgement),
        tables: relations::tables(&health),
        indexes: relations::indexes(&health),
        views: relations::views(&health),
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
        Err(failure) if session.is_closed() || failure.kind == Kind::Connection => Err(failure),
        Err(failure) => Ok(Err(failure.to_string())),
        Ok(seen) => Ok(Ok(seen)),
    }
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
