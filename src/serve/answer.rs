//! What a request is answered with, and the manners of HTTP: how long it may be kept, whether it has changed,
//! how it is packed.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::accept::takes_packed;
use super::token::hex;
use crate::escape_control::json_line;

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Page,
    Json,
    Style,
    Script,
    /// The exposition format of Prometheus.
    Metrics,
    OpenMetrics,
    Plain,
}

/// How long it may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caching {
    /// Never: it is live, or an error.
    NoStore,
    /// As long as the server says that it has not changed.
    Revalidated,
    /// For a minute.
    Minute,
    /// For ever: its name changes with it.
    Immutable,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    status: StatusCode,
    kind: Kind,
    caching: Caching,
    body: Bytes,
    headers: Vec<(HeaderName, String)>,
}

/// Smaller bodies do not get smaller.
const LEAST_PACKED_BYTES: usize = 1024;
const LEVEL: u32 = 6;

impl Kind {
    fn content_type(self) -> &'static str {
        match self {
            Kind::Page => "text/html; charset=utf-8",
            Kind::Json => "application/json",
            Kind::Style => "text/css; charset=utf-8",
            Kind::Script => "text/javascript; charset=utf-8",
            Kind::Metrics => "text/plain; version=0.0.4; charset=utf-8",
            Kind::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Kind::Plain => "text/plain; charset=utf-8",
        }
    }
}

impl Caching {
    fn told(self) -> &'static str {
        match self {
            Caching::NoStore => "no-store",
            Caching::Revalidated => "no-cache",
            Caching::Minute => "private, max-age=60",
            Caching::Immutable => "public, max-age=31536000, immutable",
        }
    }
}

impl Answer {
    pub fn new(kind: Kind, caching: Caching, body: impl Into<Bytes>) -> Self {
        Answer {
            status: StatusCode::OK,
            kind,
            caching,
            body: body.into(),
            headers: Vec::new(),
        }
    }

    /// A document without nulls: what is not known is not there.
    pub fn json(caching: Caching, document: Value) -> Self {
        Answer::new(Kind::Json, caching, json_line(&without_nulls(document)))
    }

    /// What went wrong, in a form that fits what was asked for.
    pub fn error(status: StatusCode, message: &str) -> Self {
        let document = json!({"error": {"status": status.as_u16(), "message": message}});
        Answer { status, ..Answer::json(Caching::NoStore, document) }
    }

    #[must_use]
    pub fn status(self, status: StatusCode) -> Self {
        Answer { status, ..self }
    }

    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The response to a request with this method and these headers.
    pub fn respond(self, method: &Method, asked: &HeaderMap) -> Response<Body> {
        Ready::of(self).respond(method, asked)
    }
}

/// An answer that can be given again and again: what is reckoned of it, is reckoned once.
#[derive(Debug)]
pub struct Ready {
    answer: Answer,
    tag: Option<String>,
    packed: OnceLock<Bytes>,
}

impl Ready {
    pub fn of(answer: Answer) -> Self {
        let has_tag = answer.status == StatusCode::OK && answer.caching != Caching::NoStore;
        let tag = has_tag.then(|| tag(&answer.body));
        Ready { answer, tag, packed: OnceLock::new() }
    }

    /// The same as long as no facts change.
    pub fn lasts(&self) -> bool {
        self.tag.is_some() && self.answer.body.len() <= LARGEST_KEPT_BYTES
    }

    pub fn respond(&self, method: &Method, asked: &HeaderMap) -> Response<Body> {
        let Ready { answer, tag, .. } = self;
        let mut response = Response::new(Body::empty());
        let set = |headers: &mut HeaderMap, name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.append(name, value);
            }
        };
        let headers = response.headers_mut();
        set(headers, header::CACHE_CONTROL, answer.caching.told());
        set(headers, header::VARY, "Accept-Encoding, Authorization, Cookie");
        for (name, value) in &answer.headers {
            set(headers, name.clone(), value);
        }
        if let Some(tag) = tag {
            set(headers, header::ETAG, tag);
            if has_tag(asked, tag) {
                *response.status_mut() = StatusCode::NOT_MODIFIED;
                return response;
            }
        }
        set(headers, header::CONTENT_TYPE, answer.kind.content_type());
        let body = match answer.body.len() >= LEAST_PACKED_BYTES && takes_packed(asked) {
            true => {
                set(headers, header::CONTENT_ENCODING, "gzip");
                self.packed.get_or_init(|| packed(&answer.body).into()).clone()
            }
            false => answer.body.clone(),
        };
        set(headers, header::CONTENT_LENGTH, &body.len().to_string());
        *response.status_mut() = answer.status;
        if method != Method::HEAD {
            *response.body_mut() = Body::from(body);
        }
        response
    }
}

/// Answers that were made since the last change, by their addresses: most people look at the same.
#[derive(Debug, Default)]
pub struct Kept(Mutex<(u64, HashMap<String, Arc<Ready>>)>);

/// So many are kept, and no larger ones.
const MOST_KEPT: usize = 64;
const LARGEST_KEPT_BYTES: usize = 128 * 1024;

impl Kept {
    /// The answer at this address since change `number`; made, where it is not there.
    pub fn or_made(&self, number: u64, address: &str, make: impl FnOnce() -> Answer) -> Arc<Ready> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (of, answers) = &mut *kept;
        if *of != number {
            answers.clear();
            *of = number;
        }
        if let Some(ready) = answers.get(address) {
            return Arc::clone(ready);
        }
        let ready = Arc::new(Ready::of(make()));
        if ready.lasts() && answers.len() < MOST_KEPT {
            answers.insert(address.to_owned(), Arc::clone(&ready));
        }
        ready
    }
}

/// A member that is null is left out, at any depth; lists keep their length.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let known = members.into_iter().filter(|(_, value)| !value.is_null());
            known.map(|(name, value)| (name, without_nulls(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// Weak, because the same can be sent packed and unpacked. By what it says alone, so that it stays the same
/// for the same.
fn tag(body: &[u8]) -> String {
    format!("W/\"{}\"", hex(&Sha256::digest(body)[..16]))
}

/// Whether the client has this one already.
fn has_tag(asked: &HeaderMap, tag: &str) -> bool {
    let known = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|it| it.to_str().ok());
    let strong = tag.trim_start_matches("W/");
    let is_this = |it: &str| it == "*" || it.trim_start_matches("W/") == strong;
    known.flat_map(|list| list.split(',')).any(|it| is_this(it.trim()))
}

fn packed(body: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::new(LEVEL));
    // Writing to memory does not fail.
    let _ = packer.write_all(body);
    packer.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        });
        pairs.collect()
    }

    fn encoding(bytes: usize, headers: &[(&'static str, &str)]) -> Option<HeaderValue> {
        let answer = Answer::new(Kind::Json, Caching::Minute, vec![b'a'; bytes]);
        let response = answer.respond(&Method::GET, &asked(headers));
        response.headers().get(header::CONTENT_ENCODING).cloned()
    }

    #[test]
    fn what_is_small_is_not_packed() {
        let gzip = [("accept-encoding", "br, gzip")];
        assert_eq!(encoding(1023, &gzip), None);
        assert_eq!(encoding(1024, &gzip).unwrap(), "gzip");
        assert_eq!(encoding(1024, &[gzip[0], ("x-no-compression", "1")]), None);
        for refused in ["", "br", "gzip;q=0", "*;q=0", "gzip; q=0.0, *"] {
            assert_eq!(encoding(1024, &[("accept-encoding", refused)]), None, "{refused}");
        }
        assert_eq!(encoding(1024, &[("accept-encoding", "*")]).unwrap(), "gzip");
    }

    #[test]
    fn what_has_not_changed_is_not_sent_again() {
        let answer = Answer::json(Caching::Minute, json!({"a": 1}));
        let first = answer.clone().respond(&Method::GET, &asked(&[]));
        let tag = first.headers()[header::ETAG].to_str().unwrap();
        for known in [tag, "*", &format!("\"x\", {tag}"), tag.trim_start_matches("W/")] {
            let again = answer.clone().respond(&Method::GET, &asked(&[("if-none-match", known)]));
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(again.headers()[header::CACHE_CONTROL], "private, max-age=60");
            assert_eq!(again.headers()[header::ETAG], tag);
        }
        let other = answer.respond(&Method::GET, &asked(&[("if-none-match", "W/\"x\"")]));
        assert_eq!(other.status(), StatusCode::OK);
        let error = Answer::error(StatusCode::NOT_FOUND, "no").respond(&Method::GET, &asked(&[]));
        assert!(!error.headers().contains_key(header::ETAG));
        assert_eq!(error.headers()[header::CACHE_CONTROL], "no-store");
    }

    #[test]
    fn an_answer_is_made_once_until_something_changes() {
        let kept = Kept::default();
        let mut made = 0;
        let mut ask = |number, caching| {
            let ready = kept.or_made(number, "/", || {
                made += 1;
                Answer::json(caching, json!({"made": made}))
            });
            (
                ready.respond(&Method::GET, &asked(&[])).headers().contains_key(header::ETAG),
                made,
            )
        };
        assert_eq!(ask(1, Caching::NoStore), (false, 1));
        assert_eq!(ask(1, Caching::Minute), (true, 2), "what is live is made each time");
        assert_eq!(ask(1, Caching::Minute), (true, 2));
        assert_eq!(ask(2, Caching::Minute), (true, 3));
    }

    #[test]
    fn nulls_are_left_out_and_lists_keep_their_length() {
        let value = json!({"a": null, "b": [1, {"c": null, "d": 2}], "e": {"f": null}});
        assert_eq!(without_nulls(value), json!({"b": [1, {"d": 2}], "e": {}}));
    }
}
