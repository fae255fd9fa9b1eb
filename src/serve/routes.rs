//! Which address is answered by what.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use axum::routing::{MethodRouter, any};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::accept::takes_open_metrics;
use super::answer::{Answer, Caching, Kind};
use super::assets;
use super::events;
use super::facts::Facts;
use super::list::{Part, Row, Shape};
use super::listing;
use super::metrics::{self, Format};
use super::openapi;
use super::pages::{activity, findings, lists, overview, statements};
use super::query::Query;
use super::site::{Site, with_query};
use super::target::Target;

/// Why something is not answered.
pub type Refused = (StatusCode, String);

/// All addresses, below the prefix.
pub fn router(site: &Arc<Site>) -> Router<Arc<Site>> {
    let at = |path: &str| site.path(path);
    let routes = Router::new()
        .route(&at("/"), on(home))
        .route(&at("/index.json"), on(index))
        .route(&at("/t/{target}"), on(to_target))
        .route(&at("/t/{target}/"), on(target_home))
        .route(&at("/t/{target}/{page}"), on(target_page))
        .route(&at("/t/{target}/statements/{number}"), on(statement))
        .route(&at("/events"), any(events))
        .route(&at("/t/{target}/events"), any(events_of))
        .route(&at("/metrics"), any(metrics))
        .route(&at("/api/v1/openapi.json"), on(openapi))
        .route(&at("/assets/{name}"), on(asset))
        .route(&at("/-/healthy"), on(healthy))
        .route(&at("/-/ready"), on(ready))
        .fallback(any(nothing));
    match site.prefix.path() {
        "" => routes,
        prefix => routes.route(prefix, on(to_home)),
    }
}

/// Answers from memory.
fn on<P: DeserializeOwned + Send + 'static>(
    answer: fn(&Site, P, &Query) -> Result<Answer, Refused>,
) -> MethodRouter<Arc<Site>> {
    any(
        move |State(site): State<Arc<Site>>, Path(named): Path<P>, request: Request| async move {
            let uri = request.uri();
            let address = uri.path_and_query().map_or("/", |it| it.as_str());
            let number = *site.changes.borrow();
            let ready = site.kept.or_made(number, address, || {
                let query = Query::parse(uri.query().unwrap_or_default());
                answer(&site, named, &query)
                    .unwrap_or_else(|(status, message)| site.failed(uri.path(), status, &message))
            });
            ready.respond(request.method(), request.headers())
        },
    )
}

async fn nothing(State(site): State<Arc<Site>>, request: Request) -> Response {
    let answer = site.failed(request.uri().path(), StatusCode::NOT_FOUND, "there is no such page");
    answer.respond(request.method(), request.headers())
}

fn home(site: &Site, (): (), query: &Query) -> Result<Answer, Refused> {
    let rows = overview::rows(site);
    let part = part(&overview::SHAPE, &rows, query)?;
    Ok(page(overview::page(site, &part, query)))
}

fn index(site: &Site, (): (), query: &Query) -> Result<Answer, Refused> {
    let rows = overview::rows(site);
    let part = part(&overview::SHAPE, &rows, query)?;
    let head = Map::from_iter([("unknown".to_owned(), json!(overview::unknown(site)))]);
    Ok(listed(head, &part, query, &site.path("/index.json"), Caching::Minute))
}

fn to_home(site: &Site, (): (), _: &Query) -> Result<Answer, Refused> {
    Ok(moved(site.path("/")))
}

fn to_target(site: &Site, (name,): (String,), _: &Query) -> Result<Answer, Refused> {
    let target = target(site, &name)?;
    Ok(moved(site.of_target(&target, "")))
}

fn target_home(site: &Site, (name,): (String,), query: &Query) -> Result<Answer, Refused> {
    let target = target(site, &name)?;
    Ok(page(findings::page(site, &target, &target.facts(), query)))
}

fn target_page(
    site: &Site,
    (name, asked): (String, String),
    query: &Query,
) -> Result<Answer, Refused> {
    let target = target(site, &name)?;
    let (name, is_json) = match asked.strip_suffix(".json") {
        Some(name) => (name, true),
        None => (asked.as_str(), false),
    };
    if name == "activity" {
        target.viewers.look();
    }
    let facts = target.facts();
    let nothing = || (StatusCode::NOT_FOUND, "there is no such page".to_owned());
    // The page itself is at the address of its target.
    let page = listing::named(name).filter(|page| is_json || !page.is_first());
    let listing = page.ok_or_else(nothing)?.listing(&facts);
    let path = site.of_target(&target, &asked);
    let part = part(listing.shape, &listing.rows, query)?;
    if is_json {
        let mut head = head(&facts, listing.unknown);
        head.extend(listing.more);
        if !listing.warnings.is_empty() {
            head.insert("warnings".to_owned(), json!(listing.warnings));
        }
        return Ok(listed(head, &part, query, &path, listing.caching));
    }
    let caching = match listing.caching {
        Caching::Minute => Caching::Revalidated,
        other => other,
    };
    let text = match name {
        "activity" => activity::page(site, &target, &facts, &part, query),
        _ => lists::page(site, &target, &facts, &listing, &part, query),
    };
    Ok(Answer::new(Kind::Page, caching, text))
}

/// What a document of a target begins with.
fn head(facts: &Facts, unknown: Vec<String>) -> Map<String, Value> {
    let server = facts.server.as_ref();
    let lost = facts.lost_words().map(|why| format!("connection: {why}"));
    Map::from_iter([
        ("target".to_owned(), json!(facts.name)),
        ("database".to_owned(), json!(server.map(|it| &it.database))),
        ("server_version".to_owned(), json!(server.map(|it| &it.version))),
        ("unknown".to_owned(), lost.into_iter().chain(unknown).collect()),
    ])
}

/// A part of a list as a document. What it does not know it says at the top.
fn listed(
    mut head: Map<String, Value>,
    part: &Part<'_>,
    query: &Query,
    path: &str,
    caching: Caching,
) -> Answer {
    head.retain(|name, value| {
        name != "unknown" || value.as_array().is_some_and(|it| !it.is_empty())
    });
    head.insert("data".to_owned(), part.data());
    head.insert("pagination".to_owned(), part.pagination());
    let to = |page: Option<usize>, relation: &str| {
        Some(format!("<{}>; rel=\"{relation}\"", with_query(path, &query.at(page?))))
    };
    let links = [to(part.next(), "next"), to(part.previous(), "prev")]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ");
    let answer = Answer::json(caching, Value::Object(head));
    match links.is_empty() {
        true => answer,
        false => answer.header(header::LINK, links),
    }
}

fn part<'r>(shape: &'static Shape, rows: &'r [Row], query: &Query) -> Result<Part<'r>, Refused> {
    shape.part(rows, query).map_err(|keys| {
        let message = format!("sortBy must be one of: {}", keys.join(", "));
        (StatusCode::BAD_REQUEST, message)
    })
}

fn target(site: &Site, name: &str) -> Result<Arc<Target>, Refused> {
    let nothing = || (StatusCode::NOT_FOUND, "there is no such target".to_owned());
    site.target(name).ok_or_else(nothing)
}

fn page(text: String) -> Answer {
    Answer::new(Kind::Page, Caching::Revalidated, text)
}

fn moved(to: String) -> Answer {
    Answer::new(Kind::Plain, Caching::NoStore, "")
        .status(StatusCode::PERMANENT_REDIRECT)
        .header(header::LOCATION, to)
}

/// One statement: its page, or with `.json` its document.
fn statement(site: &Site, (name, asked): (String, String), _: &Query) -> Result<Answer, Refused> {
    let target = target(site, &name)?;
    let facts = target.facts();
    let (number, is_json) = match asked.strip_suffix(".json") {
        Some(number) => (number, true),
        None => (asked.as_str(), false),
    };
    let rows = statements::of_number(&facts, number);
    if rows.is_empty() {
        let why = "this statement is none of those that take the most time";
        return Err((StatusCode::NOT_FOUND, why.to_owned()));
    }
    if !is_json {
        return Ok(page(statements::page(site, &target, &facts, &rows)));
    }
    let mut head = head(&facts, facts.statements.unknown().into_iter().collect());
    head.retain(|name, value| {
        name != "unknown" || value.as_array().is_some_and(|it| !it.is_empty())
    });
    let data = rows.iter().map(|row| Value::Object(statements::values(&facts, row)));
    head.insert("data".to_owned(), data.collect());
    Ok(Answer::json(Caching::Minute, Value::Object(head)))
}

/// The changes of all targets, as they come.
async fn events(State(site): State<Arc<Site>>, request: Request) -> Response {
    match site.stream() {
        Ok(turn) => events::of_all(&site, turn, known(&request)),
        Err(answer) => answer.respond(request.method(), request.headers()),
    }
}

/// The changes of one; `live=activity` makes pgtend look at what runs more often meanwhile.
async fn events_of(
    State(site): State<Arc<Site>>,
    Path((name,)): Path<(String,)>,
    request: Request,
) -> Response {
    let Some(target) = site.target(&name) else {
        let answer = Answer::error(StatusCode::NOT_FOUND, "there is no such target");
        return answer.respond(request.method(), request.headers());
    };
    let is_live = request
        .uri()
        .query()
        .is_some_and(|it| it.split('&').any(|it| it == "live=activity"));
    match site.stream() {
        Ok(turn) => {
            let watching = is_live.then(|| target.watch());
            events::of_one(&site, &target, watching, turn, known(&request))
        }
        Err(answer) => answer.respond(request.method(), request.headers()),
    }
}

/// The last change that the client was told of, by its own word.
fn known(request: &Request) -> u64 {
    let last = request.headers().get("last-event-id");
    last.and_then(|it| it.to_str().ok()?.parse().ok()).unwrap_or_default()
}

async fn metrics(State(site): State<Arc<Site>>, request: Request) -> Response {
    let facts = site.targets().iter().map(|target| target.facts()).collect::<Vec<_>>();
    let (kind, format) = match takes_open_metrics(request.headers()) {
        true => (Kind::OpenMetrics, Format::OpenMetrics),
        false => (Kind::Metrics, Format::Plain),
    };
    let text = metrics::text(&facts, jiff::Timestamp::now(), format);
    let answer = Answer::new(kind, Caching::NoStore, text).header(header::VARY, "Accept");
    answer.respond(request.method(), request.headers())
}

fn openapi(site: &Site, (): (), _: &Query) -> Result<Answer, Refused> {
    Ok(Answer::json(Caching::Minute, openapi::document(site.prefix.path())))
}

fn asset(_: &Site, (name,): (String,), _: &Query) -> Result<Answer, Refused> {
    let asset = assets::named(&name)
        .ok_or_else(|| (StatusCode::NOT_FOUND, "there is no such file".to_owned()))?;
    Ok(Answer::new(asset.kind, Caching::Immutable, asset.text.clone()))
}

/// The process answers.
fn healthy(_: &Site, (): (), _: &Query) -> Result<Answer, Refused> {
    Ok(Answer::new(Kind::Plain, Caching::NoStore, "healthy\n"))
}

/// Every target was looked at not long ago. Who is not let in may ask, too, and is told no names.
fn ready(site: &Site, (): (), _: &Query) -> Result<Answer, Refused> {
    let now = jiff::Timestamp::now();
    let targets = site.targets();
    let behind = targets.iter().filter(|target| !target.facts().is_ready(now)).count();
    let answer = |text: String| Answer::new(Kind::Plain, Caching::NoStore, text);
    Ok(match behind {
        0 => answer("ready\n".to_owned()),
        behind => answer(format!("not ready: {behind} of {} targets\n", targets.len()))
            .status(StatusCode::SERVICE_UNAVAILABLE),
    })
}
