//! `serve --once`: all pages as they are now, in one file.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Served;
use super::address::Address;
use super::answer::Kept;
use super::facts::shown;
use super::hosts::Hosts;
use super::listing::PAGES;
use super::pages::{activity, findings, lists, overview};
use super::query::Query;
use super::roster::{Member, Targets};
use super::site::{Form, Prefix, Site};
use crate::app::Context;
use crate::failure::{Failure, Kind, Result};
use crate::files;
use crate::output::html::Html;
use crate::output::{Outcome, Report};

/// So long a target may take to be looked at.
const PATIENCE: Duration = Duration::from_secs(120);

/// So many rows of a list fit into a file.
const ROWS: usize = 1000;

/// Looks at each target once, and writes what was seen.
pub async fn write(
    context: &Context,
    file: &Path,
    members: Vec<Member>,
    changes: watch::Sender<u64>,
) -> Result<Box<dyn Report>> {
    let refused = |error: std::io::Error| files::not_written(file, &error);
    files::check(file).map_err(refused)?;
    let mut changed = changes.subscribe();
    let mut collecting = JoinSet::new();
    let mut targets = Vec::new();
    for Member { target, collector } in members {
        targets.push(target);
        if let Some(collector) = collector {
            collecting.spawn(collector.run());
        }
    }
    let whole = async {
        while !targets.iter().all(|target| target.facts().is_whole()) {
            if changed.changed().await.is_err() {
                return;
            }
        }
    };
    // What has not come by then is told as not looked at.
    let _ = context.unless_cancelled(async { Ok(timeout(PATIENCE, whole).await) }).await?;
    context.cancel.forsake();
    let site = site(targets.into(), changes);
    let text = site.file(pages(&site), &shown(Timestamp::now()));
    files::replace(file, &text).map_err(refused)?;
    let targets = site.targets();
    let lost = targets
        .iter()
        .map(|target| target.facts())
        .filter_map(|facts| facts.lost_words().map(str::to_owned))
        .collect::<Vec<_>>();
    if let (Some(why), true) = (lost.first(), lost.len() == targets.len()) {
        return Err(Failure::new(Kind::Connection, why));
    }
    let place = file.display().to_string();
    context.console.narrate(&format!("Wrote {place}."));
    Ok(Box::new(Served { outcome: Outcome::Done, place }))
}

fn site(targets: Targets, changes: watch::Sender<u64>) -> Site {
    Site {
        targets: watch::Sender::new(targets),
        hosts: Hosts::new(&Address::Unix(std::path::PathBuf::new()), &[]),
        token: None,
        prefix: Prefix::default(),
        changes,
        end: watch::Sender::new(true),
        streams: Arc::new(Semaphore::new(0)),
        kept: Kept::default(),
        form: Form::File,
    }
}

/// Each with its place.
fn pages(site: &Site) -> Vec<(String, Vec<Html>)> {
    let query = Query { page: 1, limit: ROWS, ..Query::default() };
    let mut pages = Vec::new();
    let rows = overview::rows(site);
    if let Ok(part) = overview::SHAPE.part(&rows, &query) {
        pages.push(("/".to_owned(), overview::body(site, &part)));
    }
    for target in site.targets().iter() {
        let facts = target.facts();
        for page in &PAGES {
            let place = format!("/t/{}/{}", target.slug, page.address());
            if page.is_first() {
                pages.push((place, findings::body(site, target, &facts, &query)));
                continue;
            }
            let listing = page.listing(&facts);
            let Ok(part) = listing.shape.part(&listing.rows, &query) else {
                continue;
            };
            pages.push((
                place,
                match page.shape.name {
                    "activity" => activity::body(&facts, &part, &query, ""),
                    _ => lists::body(site, target, &facts, &listing, &part, &query),
                },
            ));
        }
    }
    pages
}
