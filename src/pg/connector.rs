//! How the pools connect: the driver's connection is driven by a task of ours that keeps the
//! server's notices, which the driver's own task would drop.

use std::future::poll_fn;
use std::pin::pin;

use deadpool_postgres::Connect;
use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::connections::{Connections, Line};
use super::notice::Notice;
use super::session::Echo;

/// Connects with TLS where the settings say so.
#[derive(Clone)]
pub struct Connector {
    pub tls: MakeRustlsConnect,
    pub connections: Connections,
    pub echo: Echo,
}

impl Connect for Connector {
    fn connect(&self, config: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        let config = config.clone();
        Box::pin(async move {
            let (client, connection) = config.connect(self.tls.clone()).await?;
            let is_raw = connection.parameter("server_encoding") == Some(RAW);
            let open = Open { connections: self.connections.clone(), line: Line::default() };
            let line = open.line.clone();
            let task = tokio::spawn(drive(connection, open));
            line.driven_by(task.abort_handle());
            let pid = backend_pid(&client, &self.echo).await?;
            if is_raw {
                let sql = format!("SET client_encoding = '{RAW}'");
                self.echo.hear(&sql);
                client.simple_query(&sql).await?;
            }
            self.connections.hear();
            self.connections.insert(pid, line);
            Ok((client, task))
        })
    }
}

/// Of a database whose texts may be any bytes: a client that asks for UTF-8 is refused what is not.
const RAW: &str = "SQL_ASCII";

/// The process that serves the client right now: behind a pooler in transaction mode it is not the
/// one that the connection began with.
pub async fn backend_pid(client: &Client, echo: &Echo) -> Result<i32, Error> {
    let sql = "SELECT pg_catalog.pg_backend_pid()";
    echo.hear(sql);
    let row = client.query_typed(sql, &[]).await?;
    row.first().map_or(Ok(0), |row| row.try_get(0))
}

/// Lives as long as the connection's task, which may be aborted.
struct Open {
    connections: Connections,
    line: Line,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.connections.forget(&self.line);
    }
}

async fn drive<S, T>(connection: tokio_postgres::Connection<S, T>, open: Open)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut connection = pin!(connection);
    while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
        match message {
            Ok(AsyncMessage::Notice(notice)) => open.line.inbox().push(Notice {
                severity: notice
                    .parsed_severity()
                    .map_or_else(|| notice.severity().to_owned(), |severity| severity.to_string()),
                sqlstate: notice.code().code().to_owned(),
                message: notice.message().to_owned(),
            }),
            Ok(_) => {}
            // Whoever waits for a statement is told by the driver.
            Err(_) => {
                open.connections.lose();
                return;
            }
        }
    }
}
