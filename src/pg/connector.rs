//! How the pools connect: the driver's connection is driven by a task of ours that keeps the
//! server's notices, which the driver's own task would drop.

use std::future::poll_fn;
use std::pin::pin;

use deadpool_postgres::Connect;
use futures_util::future::BoxFuture;
use pg_conninfo::tls::MakeRustlsConnect;
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, Config, Error, Row};

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
        let owned = config.clone();
        Box::pin(async move {
            let (client, connection) = owned.connect(self.tls.clone()).await?;
            let is_raw = connection.parameter("server_encoding") == Some(RAW);
            let open = Open { connections: self.connections.clone(), line: Line::default() };
            let line = open.line.clone();
            let task = tokio::spawn(drive(connection, open));
            line.driven_by(task.abort_handle());
            let greeting = greet(&client, &self.echo).await?;
            if is_raw {
                let sql = format!("SET client_encoding = '{RAW}'");
                self.echo.hear(&sql);
                client.simple_query(&sql).await?;
            }
            self.connections.hear();
            self.connections.insert(greeting.pid, line);
            Ok((client, task))
        })
    }
}

/// Of a database whose texts may be any bytes: a client that asks for UTF-8 is refused what is not.
const RAW: &str = "SQL_ASCII";

/// What a session says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Greeting {
    /// The process that serves it right now: behind a pooler in transaction mode it is not the one
    /// that the connection began with.
    pub pid: i32,
    /// Its search path as text.
    pub search_path: String,
    /// Its `statement_timeout` and `lock_timeout`.
    pub timeouts: [String; 2],
}

/// Asks a session who it is. It may have any search path: nothing is looked up in it, for there is
/// no operator, and the functions are the server's own.
pub async fn greet(client: &Client, echo: &Echo) -> Result<Greeting, Error> {
    let sql = "SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_setting('search_path'), \
               pg_catalog.current_setting('statement_timeout'), \
               pg_catalog.current_setting('lock_timeout')";
    echo.hear(sql);
    let rows = client.query_typed(sql, &[]).await?;
    rows.first().map_or_else(|| Ok(Greeting::default()), read_greeting)
}

fn read_greeting(row: &Row) -> Result<Greeting, Error> {
    Ok(Greeting {
        pid: row.try_get(0)?,
        search_path: row.try_get(1)?,
        timeouts: [row.try_get(2)?, row.try_get(3)?],
    })
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
                context: notice.where_().map(str::to_owned),
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
