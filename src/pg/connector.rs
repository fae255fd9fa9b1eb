//! How the pools connect: the driver's connection is driven by a task of ours that keeps the
//! server's notices, which the driver's own task would drop.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use deadpool_postgres::Connect;
use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::session::{Echo, Notice};

/// A backend that never reads its notices must not fill the memory.
const NOTICES_KEPT: usize = 10_000;

/// The notices of one connection.
#[derive(Debug, Clone, Default)]
pub struct Inbox(Arc<Mutex<Vec<Notice>>>);

impl Inbox {
    fn push(&self, notice: Notice) {
        let mut notices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if notices.len() < NOTICES_KEPT {
            notices.push(notice);
        }
    }

    /// Takes out what has come.
    pub fn drain(&self) -> Vec<Notice> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The inboxes of all connections by backend pid: a pool hands out bare clients, and the pid is
/// how a client is known again.
#[derive(Debug, Clone, Default)]
pub struct Inboxes(Arc<Mutex<HashMap<i32, Inbox>>>);

impl Inboxes {
    /// The inbox of the connection that is served by backend `pid`.
    pub fn of(&self, pid: i32) -> Inbox {
        let mut inboxes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inboxes.entry(pid).or_default().clone()
    }

    fn insert(&self, pid: i32, inbox: Inbox) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(pid, inbox);
    }
}

/// Connects with TLS where the settings say so.
#[derive(Clone)]
pub struct Connector {
    pub tls: MakeRustlsConnect,
    pub inboxes: Inboxes,
    pub echo: Echo,
}

impl Connect for Connector {
    fn connect(&self, config: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        let config = config.clone();
        Box::pin(async move {
            let (client, connection) = config.connect(self.tls.clone()).await?;
            let inbox = Inbox::default();
            let task = tokio::spawn(drive(connection, inbox.clone()));
            let pid = backend_pid(&client, &self.echo).await?;
            self.inboxes.insert(pid, inbox);
            Ok((client, task))
        })
    }
}

/// The process that serves the client right now: behind a pooler in transaction mode it is not the
/// one that the connection began with.
pub async fn backend_pid(client: &Client, echo: &Echo) -> Result<i32, Error> {
    let sql = "SELECT pg_catalog.pg_backend_pid()";
    echo.hear(sql);
    let row = client.query_typed(sql, &[]).await?;
    row.first().map_or(Ok(0), |row| row.try_get(0))
}

async fn drive<S, T>(connection: tokio_postgres::Connection<S, T>, inbox: Inbox)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut connection = pin!(connection);
    // An error ends the loop; whoever waits for a statement is told by the driver.
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notice(notice) = message {
            inbox.push(Notice {
                severity: notice
                    .parsed_severity()
                    .map_or_else(|| notice.severity().to_owned(), |severity| severity.to_string()),
                sqlstate: notice.code().code().to_owned(),
                message: notice.message().to_owned(),
            });
        }
    }
}
