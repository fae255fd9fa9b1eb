//! What every request has to pass, and what every answer says to browsers.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use axum::middleware::Next;
use futures_util::FutureExt;

use super::query::Query;
use super::site::Site;

/// A longer address is nobody's who means it.
const LONGEST_URI: usize = 4096;

/// The page runs our script and takes our style, and nothing else of anybody's; nobody may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-frame-options", "DENY"),
];

/// Lets a request pass, or refuses it.
pub async fn guard(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response<Body> {
    let (method, asked) = (request.method().clone(), request.headers().clone());
    let mut response = match refused(&site, &request) {
        Some(refused) => refused,
        None => match AssertUnwindSafe(next.run(request)).catch_unwind().await {
            Ok(response) => response,
            Err(_) => {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                let why = "this page cannot be made; pgtend goes on";
                site.failed("", status, why).respond(&method, &asked)
            }
        },
    };
    for (name, value) in HEADERS {
        let name = HeaderName::from_static(name);
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn refused(site: &Site, request: &Request) -> Option<Response<Body>> {
    let (method, headers, uri) = (request.method(), request.headers(), request.uri());
    let path = uri.path();
    let say =
        |status, message: &str| Some(site.failed(path, status, message).respond(method, headers));
    if !site.hosts.know(headers, uri) {
        let why = "pgtend does not answer under this name; --allowed-host NAME allows it";
        return say(StatusCode::MISDIRECTED_REQUEST, why);
    }
    if uri.path_and_query().is_some_and(|it| it.as_str().len() > LONGEST_URI) {
        return say(StatusCode::URI_TOO_LONG, "the address is too long");
    }
    if !matches!(*method, Method::GET | Method::HEAD) {
        let answer = site.failed(path, StatusCode::METHOD_NOT_ALLOWED, "pgtend serve only shows");
        return Some(answer.header(header::ALLOW, "GET, HEAD").respond(method, headers));
    }
    if has_body(headers) {
        return say(StatusCode::PAYLOAD_TOO_LARGE, "a request has no body here");
    }
    let is_health = ["/-/healthy", "/-/ready"].iter().any(|it| site.path(it) == path);
    let token = site.token.as_ref().filter(|_| !is_health)?;
    let home = site.path("/");
    let begins = Query::parse(uri.query().unwrap_or_default()).token.filter(|_| path == home);
    match begins {
        Some(secret) if token.is(&secret) => Some(site.entered(token).respond(method, headers)),
        None if token.is_shown(headers) => None,
        _ => {
            let answer = site.failed(path, StatusCode::UNAUTHORIZED, &site.how_to_enter());
            let realm = "Bearer realm=\"pgtend\"";
            Some(answer.header(header::WWW_AUTHENTICATE, realm).respond(method, headers))
        }
    }
}

fn has_body(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    headers.contains_key(header::TRANSFER_ENCODING) || length.is_some_and(|length| length != "0")
}
