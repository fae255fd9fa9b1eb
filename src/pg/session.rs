//! One connection while somebody uses it: statements, notices, cancelling.

use std::convert::Infallible;
use std::future::Future;
use std::io::Cursor;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Object;
use futures_util::future::join_all;
use futures_util::{FutureExt, SinkExt, StreamExt};
use pg_conninfo::tls::MakeRustlsConnect;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{CancelToken, SimpleQueryMessage};

use super::connections::{Connections, Line};
pub use super::notice::Notice;
use super::row::{Fault, Row};
use super::search_path::{self, SearchPath};
use super::server_error::ServerError;

/// A statement's result or the server's refusal.
pub type Answer<T> = std::result::Result<T, ServerError>;

/// Hears every statement that is sent (`--echo`).
#[derive(Clone)]
pub struct Echo(Arc<dyn Fn(&str) + Send + Sync>);

impl Echo {
    /// Calls `hear` with each statement just before it is sent.
    pub fn new(hear: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Echo(Arc::new(hear))
    }

    /// Hears nothing.
    pub fn silent() -> Self {
        Echo::new(|_| ())
    }

    pub(super) fn hear(&self, statement: &str) {
        (self.0)(statement);
    }
}

impl std::fmt::Debug for Echo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Echo")
    }
}

/// A connection checked out of a pool; it goes back when dropped.
pub struct Session {
    pub(super) client: Object,
    pid: i32,
    pub(super) wire: Wire,
    pub(super) echo: Echo,
    tls: MakeRustlsConnect,
}

/// What a session knows of its connection.
pub(super) struct Wire {
    pub(super) line: Line,
    pub(super) connections: Connections,
    /// How long each statement may take; none where it may take hours.
    pub(super) patience: Option<Duration>,
    /// What the server has sent that no PostgreSQL sends.
    pub(super) fault: Fault,
}

impl Wire {
    /// The answer of a statement. One that is not there in time is lost, and the connection with it.
    pub(super) async fn answer<T>(
        &self,
        work: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
    ) -> Answer<T> {
        let answer = match self.patience {
            None => work.await,
            Some(patience) => {
                let late = async {
                    tokio::time::sleep(patience).await;
                    let patience = humantime::format_duration(patience);
                    self.line.break_off(&format!("the server has not answered for {patience}"));
                    self.connections.lose();
                    // Now the work ends by itself.
                    std::future::pending::<Infallible>().await
                };
                tokio::select! {
                    answer = work => answer,
                    never = late => match never {},
                }
            }
        };
        answer.map_err(|error| self.explain(error))
    }

    /// The error, with the reason where it was us who broke the connection off.
    fn explain(&self, error: tokio_postgres::Error) -> ServerError {
        let error = ServerError::from(error);
        if !error.is_connection_lost() {
            self.connections.hear();
            return error;
        }
        match self.line.broken() {
            Some(why) => ServerError { message: why.to_owned(), ..error },
            None => error,
        }
    }
}

impl Session {
    pub(super) fn new(
        client: Object,
        pid: i32,
        wire: Wire,
        echo: Echo,
        tls: MakeRustlsConnect,
    ) -> Self {
        wire.line.inbox().drain();
        Session { client, pid, wire, echo, tls }
    }

    /// The server process that serves this connection.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// The connection as such.
    pub fn line(&self) -> &Line {
        &self.wire.line
    }

    /// Whether the connection is gone.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Sends one query with typed parameters in one round trip and returns its rows.
    pub async fn query(
        &self,
        sql: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Answer<Vec<Row>> {
        let mut rows = Vec::new();
        let mut bytes = 0;
        self.for_each(sql, params, |row| {
            bytes += row.size_bytes();
            rows.push(row);
            match bytes > MOST_BYTES {
                true => Err(too_large()),
                false => Ok(()),
            }
        })
        .await?;
        Ok(rows)
    }

    async fn for_each(
        &self,
        sql: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
        mut read: impl FnMut(Row) -> Answer<()>,
    ) -> Answer<()> {
        self.trusted()?;
        self.echo.hear(sql);
        let mut refused = None;
        let work = async {
            let typed = params.iter().map(|(value, kind)| (*value, kind.clone()));
            let mut rows = pin!(self.client.query_typed_raw(sql, typed).await?);
            while let Some(row) = rows.next().await {
                refused = read(Row::new(row?, self.wire.fault.clone())).err();
                if refused.is_some() {
                    break;
                }
            }
            Ok(())
        };
        self.wire.answer(work).await?;
        self.wire.connections.hear();
        if let Some(error) = refused {
            // What else is on its way would have to be waited for.
            self.wire.fault.note(&error.message);
            return Err(error);
        }
        self.trusted()
    }

    /// Refuses to go on with a server that sends what no PostgreSQL sends.
    pub(super) fn trusted(&self) -> Answer<()> {
        self.wire.fault.error().map_or(Ok(()), Err)
    }

    /// The columns of a query's result, each with the relation's column that it is, where it is one as
    /// such. The query is parsed, neither planned nor executed.
    pub async fn origins(&self, query: &str) -> Answer<Vec<Option<(u32, i16)>>> {
        self.trusted()?;
        self.echo.hear(query);
        let prepared = self.wire.answer(self.client.prepare_typed(query, &[])).await?;
        let columns = prepared.columns().iter();
        Ok(columns.map(|column| column.table_oid().zip(column.column_id())).collect())
    }

    /// Like [`Session::query`], but shows each row as it comes, for results that are too large to be
    /// kept.
    pub async fn each(
        &self,
        sql: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
        mut see: impl FnMut(&Row),
    ) -> Answer<()> {
        self.for_each(sql, params, |row| {
            see(&row);
            Ok(())
        })
        .await
    }

    /// Sends one statement alone, as CREATE INDEX CONCURRENTLY and VACUUM demand: several together
    /// form a transaction (PostgreSQL documentation, 55.2.2.1). It goes by the extended protocol, in
    /// which the server refuses a text that holds a second one, whatever our parser thinks of it.
    pub async fn execute(&self, statement: &str) -> Answer<()> {
        self.trusted()?;
        self.echo.hear(statement);
        let sent = async { self.client.execute_typed(statement, &[]).await.map(drop) };
        self.wire.answer(self.until_ready(sent)).await
    }

    /// Sends the statements one after the other, up to the first that fails.
    pub async fn execute_all(&self, statements: &[&str]) -> Answer<()> {
        for statement in statements {
            self.execute(statement).await?;
        }
        Ok(())
    }

    /// Sends a statement of another tool's migration as that tool would, by the simple protocol.
    pub async fn execute_as_is(&self, statement: &str) -> Answer<()> {
        self.trusted()?;
        self.echo.hear(statement);
        self.wire.answer(self.until_ready(self.pass_over(statement))).await
    }

    /// Sends a text of ours that holds several statements, in one message.
    pub async fn execute_script(&self, text: &str) -> Answer<()> {
        self.execute_message(text).await.1
    }

    /// The server says what failed before it has rolled back; only when it is ready for the next
    /// query are the locks free and the progress views empty.
    async fn until_ready(
        &self,
        sent: impl Future<Output = std::result::Result<(), tokio_postgres::Error>>,
    ) -> std::result::Result<(), tokio_postgres::Error> {
        let answer = sent.await;
        if answer.is_err() && !self.client.is_closed() {
            self.echo.hear(READY);
            let _ = self.client.simple_query(READY).await;
        }
        answer
    }

    /// Rows are passed over as they come.
    async fn pass_over(&self, statement: &str) -> std::result::Result<(), tokio_postgres::Error> {
        let mut answers = pin!(self.client.simple_query_raw(statement).await?);
        while let Some(answer) = answers.next().await {
            answer?;
        }
        Ok(())
    }

    /// From now on the names in what is sent mean what this path makes of them. For a statement that
    /// the user wrote, and until [`Session::leave`]; a session that goes back to its pool without
    /// that is not used again.
    pub async fn enter(&self, path: &SearchPath) -> Answer<()> {
        self.execute(&path.set()).await
    }

    /// The path is again as it was to begin with.
    pub async fn leave(&self) -> Answer<()> {
        self.execute(search_path::RESET).await
    }

    /// Sends several statements in one message. Returns the first column of the first row that each
    /// of those gave that ended, and the error that ended the message; none have ended too where the
    /// server did not begin, because it could not parse the text.
    pub async fn execute_message(&self, text: &str) -> (Vec<Option<String>>, Answer<()>) {
        let mut ended = Vec::new();
        if let Err(error) = self.trusted() {
            return (ended, Err(error));
        }
        self.echo.hear(text);
        let mut first = None;
        let answers = match self.client.simple_query_raw(text).await {
            Ok(answers) => answers,
            Err(error) => return (ended, Err(error.into())),
        };
        let mut answers = pin!(answers);
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(SimpleQueryMessage::Row(row)) if first.is_none() => {
                    first = row.try_get(0).ok().flatten().map(str::to_owned);
                }
                Ok(SimpleQueryMessage::CommandComplete(_)) => ended.push(first.take()),
                Ok(_) => {}
                Err(error) => {
                    // As in `execute`: until the server has rolled back.
                    let _ = self.client.simple_query(READY).await;
                    return (ended, Err(error.into()));
                }
            }
        }
        (ended, Ok(()))
    }

    /// Sends a COPY … FROM stdin with the rows that it reads.
    pub async fn copy_in(&self, statement: &str, rows: &str) -> Answer<()> {
        self.trusted()?;
        self.echo.hear(statement);
        let answer = self.send_rows(statement, rows).await;
        if answer.is_err() && !self.client.is_closed() {
            let _ = self.client.simple_query(READY).await;
        }
        answer
    }

    async fn send_rows(&self, statement: &str, rows: &str) -> Answer<()> {
        let mut sink = pin!(self.client.copy_in::<_, Cursor<Vec<u8>>>(statement).await?);
        for chunk in rows.as_bytes().chunks(COPY_CHUNK) {
            sink.send(Cursor::new(chunk.to_vec())).await?;
        }
        sink.finish().await?;
        Ok(())
    }

    /// Like [`Session::execute`], but gives up after `limit`: the statement is cancelled on the
    /// server and its end awaited. `None` is the answer then.
    pub async fn execute_within(&self, statement: &str, limit: Duration) -> Option<Answer<()>> {
        self.execute_unless(statement, tokio::time::sleep(limit)).await
    }

    /// Like [`Session::execute`], but cancels the statement on the server when `stop` completes,
    /// and awaits its end. `None` is the answer where it was stopped; a statement that finished
    /// in the race has its own answer.
    pub async fn execute_unless(
        &self,
        statement: &str,
        stop: impl Future<Output = ()>,
    ) -> Option<Answer<()>> {
        self.unless(self.execute(statement), stop).await
    }

    /// The answer, or `None` where `stop` came before it and the server has ended the statement.
    pub(super) async fn unless<T>(
        &self,
        work: impl Future<Output = Answer<T>>,
        stop: impl Future<Output = ()>,
    ) -> Option<Answer<T>> {
        tokio::pin!(work);
        tokio::select! {
            answer = &mut work => return Some(answer),
            () = stop => {}
        }
        loop {
            // A cancel request can overtake the statement that it is meant for, so it is repeated.
            let again = async {
                self.cancel().await;
                tokio::time::sleep(CANCEL_AGAIN).await;
            };
            tokio::select! {
                answer = &mut work => {
                    let cancelled = matches!(&answer, Err(error)
                        if error.sqlstate.as_deref() == Some("57014"));
                    return if cancelled { None } else { Some(answer) };
                }
                () = again => {}
            }
        }
    }

    /// Sends the statements one behind the other without waiting for answers in between, each alone as
    /// in [`Session::execute`]; each has its own answer: its rows, whose columns are texts or names.
    pub async fn pipeline(&self, statements: &[String]) -> Vec<Answer<Vec<Vec<Option<String>>>>> {
        let sent = statements.iter().map(|statement| {
            self.echo.hear(statement);
            async { Ok(texts(&self.wire.answer(self.client.query_typed(statement, &[])).await?)) }
        });
        join_all(sent).await
    }

    /// Sends a statement and does not wait for its answer. For `drop`: what follows on this
    /// connection comes after it.
    pub(crate) fn send_off(&self, statement: &str) {
        self.echo.hear(statement);
        // It is on its way once the driver has been asked; the answer is thrown away.
        let _ = self.client.simple_query(statement).now_or_never();
    }

    /// The notices that came since the last call or since the check-out.
    pub fn notices(&self) -> Vec<Notice> {
        self.wire.line.inbox().drain()
    }

    /// Asks the server to cancel what this connection is doing, over a connection with the same
    /// TLS. That it could not be asked shows when the statement goes on.
    pub(super) async fn cancel(&self) {
        let token: CancelToken = self.client.cancel_token();
        let request = token.cancel_query(self.tls.clone());
        let _ = tokio::time::timeout(CANCEL_AGAIN, request).await;
    }
}

/// So many bytes of rows go in one message.
const COPY_CHUNK: usize = 64 * 1024;

/// Answered when the server has done with what came before.
const READY: &str = "SELECT 1";

/// No answer about a catalog is larger; one of a server that means harm has no end.
const MOST_BYTES: usize = 256 << 20;

fn too_large() -> ServerError {
    let message = format!("the server's answer is larger than {} MiB", MOST_BYTES >> 20);
    ServerError {
        sqlstate: Some("54000".to_owned()),
        message,
        detail: None,
        hint: None,
        position: None,
    }
}

const CANCEL_AGAIN: Duration = Duration::from_secs(2);

fn texts(rows: &[tokio_postgres::Row]) -> Vec<Vec<Option<String>>> {
    let text = |row: &tokio_postgres::Row, at| row.try_get::<_, Option<String>>(at).ok().flatten();
    rows.iter()
        .map(|row| (0..row.len()).map(|at| text(row, at)).collect())
        .collect()
}
