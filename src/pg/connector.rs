//! How the pools connect: the driver's connection is driven by a task of ours that keeps the
//! server's notices, which the driver's own task would drop.

use std::future::poll_fn;
use std::pin::pin;

use deadpool_postgres::Connect;
use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::notice::{Inbox, Inboxes, Notice};
use super::session::Echo;

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
