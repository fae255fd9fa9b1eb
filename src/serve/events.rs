//! Server-Sent Events: that facts have changed, as they do. A client that falls behind is told of the last
//! change only; one that comes again says which it knew.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Response, header};
use futures_util::stream::{Stream, unfold};
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::timeout;

use super::facts::Facts;
use super::server::until_over;
use super::site::Site;
use super::target::{Target, Watching};
use crate::escape_control::json_line;

/// Streams at once; more are asked to come again.
pub const MOST_STREAMS: usize = 256;
/// So many seconds later.
pub const RETRY_SECONDS: u64 = 10;

/// A proxy closes what says nothing.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What is told of.
enum Told {
    All(Arc<Site>),
    One(Arc<Target>),
}

/// A stream, and what ends with it.
struct Events {
    told: Told,
    /// The last change that the client knows.
    known: u64,
    changes: watch::Receiver<u64>,
    end: watch::Receiver<bool>,
    is_over: bool,
    is_begun: bool,
    _turn: OwnedSemaphorePermit,
    _watching: Option<Watching>,
}

/// The changes of all targets.
pub fn of_all(site: &Arc<Site>, turn: OwnedSemaphorePermit, known: u64) -> Response<Body> {
    respond(site, Told::All(Arc::clone(site)), None, turn, known)
}

/// The changes of one; `watching`: it is looked at live.
pub fn of_one(
    site: &Arc<Site>,
    target: &Arc<Target>,
    watching: Option<Watching>,
    turn: OwnedSemaphorePermit,
    known: u64,
) -> Response<Body> {
    respond(site, Told::One(Arc::clone(target)), watching, turn, known)
}

fn respond(
    site: &Arc<Site>,
    told: Told,
    watching: Option<Watching>,
    turn: OwnedSemaphorePermit,
    known: u64,
) -> Response<Body> {
    let events = Events {
        told,
        known,
        changes: site.changes.subscribe(),
        end: site.end.subscribe(),
        is_over: false,
        is_begun: false,
        _turn: turn,
        _watching: watching,
    };
    let mut response = Response::new(Body::from_stream(stream(events)));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn stream(events: Events) -> impl Stream<Item = Result<Bytes, Infallible>> {
    unfold(events, |mut events| async move {
        let piece = events.next().await?;
        Some((Ok(Bytes::from(piece)), events))
    })
}

impl Events {
    /// The next piece of the stream; `None`: it is over.
    async fn next(&mut self) -> Option<String> {
        if self.is_over {
            return None;
        }
        if !self.is_begun {
            self.is_begun = true;
            return Some("retry: 3000\n\n".to_owned());
        }
        loop {
            self.changes.borrow_and_update();
            if let Some(event) = self.event() {
                return Some(event);
            }
            let waited = timeout(KEEP_ALIVE, async {
                tokio::select! {
                    changed = self.changes.changed() => changed.is_err(),
                    () = until_over(&mut self.end) => true,
                }
            });
            match waited.await {
                Ok(false) => {}
                Ok(true) => {
                    self.is_over = true;
                    return Some("event: bye\ndata: {}\n\n".to_owned());
                }
                Err(_) => return Some(": still here\n\n".to_owned()),
            }
        }
    }

    /// What has changed since the client was told; `None`: nothing.
    fn event(&mut self) -> Option<String> {
        let facts = match &self.told {
            Told::All(site) => site.targets().iter().map(|target| target.facts()).collect(),
            Told::One(target) => vec![target.facts()],
        };
        let newest = facts.iter().map(|facts| facts.generation).max()?;
        if newest == self.known {
            return None;
        }
        // A number that was never given is that of another run: then all is new.
        let since = if self.known > newest { 0 } else { self.known };
        let changed = facts
            .iter()
            .filter(|facts| facts.generation > since)
            .map(|facts| told(facts, since))
            .collect::<Vec<_>>();
        self.known = newest;
        let data = json_line(&json!({"generation": newest, "targets": changed}));
        Some(format!("event: facts\nid: {newest}\ndata: {}\n\n", data.trim_end()))
    }
}

fn told(facts: &Facts, since: u64) -> Value {
    json!({"target": facts.name, "connection": facts.connection_name(), "changed": facts.changed(since)})
}
