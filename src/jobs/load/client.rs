//! One client of the load: it sends requests one after the other, on as many connections as a request needs at
//! once.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::figures::Recorder;
use super::pace::Pace;
use super::plan::{Request, Sent, Step, Workload};
use super::random::Random;
use super::value::Variables;
use crate::cancel::Cancel;
use crate::failure::{Failure, Result};
use crate::pg::database::{Database, Workers};
use crate::pg::prepared::Prepared;
use crate::pg::server_error::ServerError;
use crate::pg::session::{Answer, Session};

/// What all clients share.
pub struct Shared<'r> {
    pub database: &'r Database,
    pub workload: &'r Workload,
    /// Sets the search path of their sessions.
    pub path: &'r str,
    /// How many connections a client has.
    pub width: usize,
    /// Where a rate is asked for: when requests are due.
    pub pace: Option<Pace>,
    pub seed: u64,
    pub cancel: &'r Cancel,
    pub recorder: &'r RefCell<Recorder>,
    /// The processes that serve them.
    pub pids: &'r RefCell<BTreeSet<i32>>,
    /// No further request is sent.
    pub ends: &'r Cell<bool>,
}

/// A connection, and what it has parsed.
pub struct Connection {
    session: Session,
    prepared: Vec<Option<Prepared>>,
}

/// What no server says: the connection broke, or none could be made.
const CONNECTION_FAILURE: &str = "08006";
const CANNOT_CONNECT: &str = "08001";

/// Where there is no connection, the next one is tried after so long.
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

impl Shared<'_> {
    /// Connects, and has all statements parsed: applications do that once, too.
    ///
    /// # Errors
    /// Those of connecting.
    async fn connect(&self) -> Result<Connection> {
        let session = self.database.maintainer(Workers::AsConfigured).await?;
        session.execute(self.path).await.map_err(ServerError::into_failure)?;
        let mut prepared = Vec::new();
        for statement in &self.workload.statements {
            prepared.push(session.prepare(&statement.text).await.ok());
        }
        self.pids.borrow_mut().insert(session.pid());
        Ok(Connection { session, prepared })
    }

    /// Opens those connections of a client that are missing.
    ///
    /// # Errors
    /// Those of connecting.
    pub async fn complete(&self, open: &mut Vec<Connection>) -> Result<()> {
        while open.len() < self.width {
            open.push(self.connect().await?);
        }
        Ok(())
    }

    /// When the next request is due; `None` at the end.
    async fn next_due(&self) -> Option<Instant> {
        if self.ends.get() {
            return None;
        }
        match &self.pace {
            Some(pace) => pace.next().await,
            None => Some(Instant::now()),
        }
    }

    fn failed(&self, due: Instant, statement: Option<usize>, sqlstate: &str, message: &str) {
        self.recorder.borrow_mut().failed(due, statement, sqlstate, message);
    }
}

/// Sends requests until the end.
pub async fn client(shared: &Shared<'_>, number: u64, mut open: Vec<Connection>) {
    let mut random = Random::new(shared.seed, number);
    while let Some(due) = shared.next_due().await {
        let request = &shared.workload.requests[chosen(shared.workload, &mut random)];
        match shared.complete(&mut open).await {
            Ok(()) => send(shared, &mut open, request, due, &mut random).await,
            Err(failure) => {
                could_not_connect(shared, due, &failure);
                tokio::select! {
                    () = tokio::time::sleep(BETWEEN_TRIES) => {}
                    _ = shared.cancel.wait() => {}
                }
            }
        }
        // With a cached answer a client never waits, and the others are to have their turn.
        tokio::task::yield_now().await;
    }
    for connection in open {
        // So that the server counts what it did before it is asked.
        connection.session.end();
    }
}

fn chosen(workload: &Workload, random: &mut Random) -> usize {
    match workload.requests.len() {
        1 => 0,
        _ => random.weighted(workload.requests.iter().map(|request| request.weight)),
    }
}

fn could_not_connect(shared: &Shared<'_>, due: Instant, failure: &Failure) {
    let sqlstate = failure.sqlstate.as_deref().unwrap_or(CANNOT_CONNECT);
    shared.failed(due, None, sqlstate, &failure.to_string());
}

/// Sends a request. Connections that are of no further use are not open any more.
async fn send(
    shared: &Shared<'_>,
    open: &mut Vec<Connection>,
    request: &Request,
    due: Instant,
    random: &mut Random,
) {
    let mut variables = Variables::new();
    // Also the first statement has waited since it was due.
    let mut asked = due;
    for step in &request.steps {
        match step {
            Step::Set(name, value) => match value.draw(&variables, random) {
                Ok(value) => drop(variables.insert(name.clone(), value)),
                Err((sqlstate, why)) => return shared.failed(due, None, sqlstate, &why),
            },
            Step::Send(sent) => {
                let turns = open.iter_mut().zip(sent).map(|(connection, sent)| {
                    connection.answer(shared, sent, &variables, (due, asked))
                });
                let answers = join_all(turns).await;
                if !are_done(shared, open, due, sent, &answers) {
                    return;
                }
                asked = Instant::now();
            }
        }
    }
    shared.recorder.borrow_mut().done(due, due.elapsed());
}

/// Whether all statements of a step were answered. A request fails once, whatever number of them failed.
fn are_done(
    shared: &Shared<'_>,
    open: &mut Vec<Connection>,
    due: Instant,
    sent: &[Sent],
    answers: &[Option<Answer<()>>],
) -> bool {
    let mut failed = answers.iter().zip(sent).filter_map(|(answer, sent)| {
        let error = answer.as_ref()?.as_ref().err()?;
        Some((error, sent.statement))
    });
    if let Some((error, statement)) = failed.next() {
        shared.failed(due, Some(statement), sqlstate(error), &error.message);
    }
    let mut of_connections = answers.iter();
    open.retain(|connection| match of_connections.next() {
        Some(answer) => is_usable(shared, connection, answer.as_ref()),
        None => true,
    });
    answers.iter().all(|answer| matches!(answer, Some(Ok(()))))
}

fn sqlstate(error: &ServerError) -> &str {
    error.sqlstate.as_deref().unwrap_or(CONNECTION_FAILURE)
}

/// Whether the connection is good for another statement, as this one ended.
fn is_usable(shared: &Shared<'_>, connection: &Connection, answer: Option<&Answer<()>>) -> bool {
    let error = match answer {
        // We have cancelled it.
        None => return false,
        Some(Ok(())) => return true,
        Some(Err(error)) => error,
    };
    // Of the class of an operator's intervention only a cancelled statement leaves the session alive.
    let is_over = sqlstate(error).starts_with("57P") || error.is_connection_lost();
    if is_over || connection.session.is_closed() {
        shared.pids.borrow_mut().remove(&connection.session.pid());
        return false;
    }
    true
}

impl Connection {
    /// Has a statement answered that is asked since `asked`; `None` where it was cancelled.
    async fn answer(
        &mut self,
        shared: &Shared<'_>,
        sent: &Sent,
        variables: &Variables,
        (due, asked): (Instant, Instant),
    ) -> Option<Answer<()>> {
        let values = sent
            .names
            .iter()
            .map(|name| variables.get(name).cloned())
            .map(Option::unwrap_or_default)
            .collect::<Vec<_>>();
        let answer = self.run(shared, sent.statement, &values).await?;
        Some(answer.map(|rows| {
            let latency = asked.elapsed();
            shared.recorder.borrow_mut().answered(due, sent.statement, latency, rows);
        }))
    }

    /// `None` where it was cancelled.
    async fn run(
        &mut self,
        shared: &Shared<'_>,
        at: usize,
        values: &[String],
    ) -> Option<Answer<u64>> {
        if self.prepared[at].is_none() {
            match self.session.prepare(&shared.workload.statements[at].text).await {
                Ok(prepared) => self.prepared[at] = Some(prepared),
                Err(error) => return Some(Err(error)),
            }
        }
        let prepared = self.prepared[at].as_ref()?;
        let stop = async {
            shared.cancel.wait().await;
        };
        self.session.run_unless(prepared, values, stop).await
    }
}
