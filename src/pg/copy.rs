//! Rows of one server for another: they pass through and are not kept.

use std::future::Future;
use std::pin::pin;

use futures_util::{SinkExt, StreamExt};

use super::server_error::ServerError;
use super::session::Session;

/// How copying rows ended.
#[derive(Debug)]
pub enum Copied {
    /// All are there: so many rows.
    Whole(u64),
    /// The server that has them did not send them all.
    NotRead(ServerError),
    /// The other did not take them all.
    NotWritten(ServerError),
    /// It was to stop.
    Stopped,
}

impl Session {
    /// Sends what COPY … TO stdout gives here to COPY … FROM stdin there. When `stop` completes the
    /// statement here is cancelled.
    pub async fn copy_into(
        &self,
        from: &str,
        other: &Session,
        to: &str,
        stop: impl Future<Output = ()>,
    ) -> Copied {
        if let Err(error) = self.trusted() {
            return Copied::NotRead(error);
        }
        self.echo.hear(from);
        let rows = match self.client.copy_out(from).await {
            Ok(rows) => rows,
            Err(error) => return Copied::NotRead(error.into()),
        };
        other.echo.hear(to);
        let sink = match other.client.copy_in(to).await {
            Ok(sink) => sink,
            Err(error) => {
                self.cancel().await;
                return Copied::NotWritten(error.into());
            }
        };
        let (mut rows, mut sink, mut stop) = (pin!(rows), pin!(sink), pin!(stop));
        loop {
            let chunk = tokio::select! {
                chunk = rows.next() => chunk,
                () = &mut stop => {
                    self.cancel().await;
                    return Copied::Stopped;
                }
            };
            match chunk {
                None => break,
                Some(Err(error)) => return Copied::NotRead(error.into()),
                Some(Ok(chunk)) => {
                    if let Err(error) = sink.feed(chunk).await {
                        self.cancel().await;
                        return Copied::NotWritten(error.into());
                    }
                }
            }
        }
        match sink.finish().await {
            Ok(rows) => Copied::Whole(rows),
            Err(error) => Copied::NotWritten(error.into()),
        }
    }
}
