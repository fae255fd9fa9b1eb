//! Connections: how many, how long each may take, and how they end.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::address::Listener;
use super::guard::guard;
use super::patience::Impatient;
use super::routes::router;
use super::site::Site;

/// More wait until one ends.
const MOST_CONNECTIONS: usize = 512;

/// Bytes of a request without its body.
const LARGEST_HEAD: usize = 16 * 1024;
const MOST_HEADERS: usize = 64;

/// A request has to have come by then, also the next one on a connection.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// Something of an answer has to be taken in this time.
const SEND_PATIENCE: Duration = Duration::from_secs(20);

/// So long answers under way may take after a signal.
const LAST_PATIENCE: Duration = Duration::from_millis(500);

/// After the system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until the end has come.
pub async fn serve(listener: &Listener, site: &Arc<Site>, end: impl Future<Output = ()>) {
    let service = router(site)
        .layer(from_fn_with_state(Arc::clone(site), guard))
        .with_state(Arc::clone(site));
    let turns = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut end = pin!(end);
    loop {
        let accepted = async {
            // It is never closed.
            let turn = Arc::clone(&turns).acquire_owned().await;
            (turn, accept(listener).await)
        };
        let (turn, connection) = tokio::select! {
            () = &mut end => break,
            accepted = accepted => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let Some(connection) = connection else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let (service, ended) = (service.clone(), site.end.subscribe());
        connections.spawn(async move {
            let _turn = turn;
            match connection {
                Connection::Tcp(stream) => talk(stream, service, ended).await,
                Connection::Unix(stream) => talk(stream, service, ended).await,
            }
        });
    }
    site.end.send_replace(true);
    let _ =
        timeout(LAST_PATIENCE, async { while connections.join_next().await.is_some() {} }).await;
}

enum Connection {
    Tcp(tokio::net::TcpStream),
    Unix(tokio::net::UnixStream),
}

async fn accept(listener: &Listener) -> Option<Connection> {
    match listener {
        Listener::Tcp(listener) => {
            let (stream, _) = listener.accept().await.ok()?;
            let _ = stream.set_nodelay(true);
            Some(Connection::Tcp(stream))
        }
        Listener::Unix(listener, _) => Some(Connection::Unix(listener.accept().await.ok()?.0)),
    }
}

/// One connection to its end. What goes wrong on it is its client's business.
async fn talk<S>(stream: S, service: Router, mut ended: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = TokioIo::new(Impatient::new(stream, SEND_PATIENCE));
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(LARGEST_HEAD)
        .max_headers(MOST_HEADERS);
    let connection = builder.serve_connection(stream, TowerToHyperService::new(service));
    let mut connection = pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        () = until_over(&mut ended) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// Returns when the server is to end.
pub async fn until_over(end: &mut watch::Receiver<bool>) {
    let _ = end.wait_for(|is_over| *is_over).await;
}
