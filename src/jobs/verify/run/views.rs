//! Refreshing every materialized view once, as `refresh` would.

use std::time::{Duration, Instant};

use crate::config::Mode;
use crate::facts::{
    MaterializedView, load_key_hints, load_null_plans, load_unique_indexes, load_views,
};
use crate::failure::Result;
use crate::findings::Finding;
use crate::jobs::verify::plan::observed::Origins;
use crate::jobs::verify::plan::views::{Facts, Refusal, judge};
use crate::pg::database::{Database, Workers};
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;
use crate::work::refresh::plan::{RefreshOptions, ViewSelection, choose};

/// What came of it.
#[derive(Debug)]
pub struct RefreshedView {
    /// How many views there are.
    pub views: usize,
    /// Of how many key columns the server cannot tell whether they may be NULL.
    pub unknown_nulls: usize,
    /// What is wrong with them.
    pub findings: Vec<Finding>,
    /// How long it took.
    pub took: Duration,
}

/// Refreshes every view, what others read first.
pub async fn refresh(database: &Database, origins: &Origins) -> Result<RefreshedView> {
    let started = Instant::now();
    let facts = facts(database, origins).await?;
    let session = database.maintainer(Workers::AsConfigured).await?;
    let options = RefreshOptions {
        selection: ViewSelection::All,
        schema: None,
        with_dependencies: false,
        mode: Mode::Auto,
        max_age: None,
        if_changed: false,
    };
    let mut findings = Vec::new();
    let mut views = choose(&facts.views, &options)?;
    views.retain(|view| origins.is_new(view.oid));
    let number = views.len();
    let unknown_nulls = views.iter().map(|view| facts.unknown_nulls(view.oid)).sum();
    for view in views {
        let refusal = refused(&session, view).await?;
        findings.extend(judge(view, refusal, &facts, origins));
    }
    Ok(RefreshedView {
        views: number,
        unknown_nulls,
        findings,
        took: started.elapsed(),
    })
}

async fn facts(database: &Database, origins: &Origins) -> Result<Facts> {
    let session = database.reader().await?;
    let views = load_views(&session, &database.server.search_path).await?;
    if views.all.is_empty() {
        return Ok(Facts::default());
    }
    let oids = views.all.iter().map(|view| view.oid).collect::<Vec<_>>();
    let mut facts = Facts {
        views,
        indexes: load_unique_indexes(&session).await?,
        queries: load_key_hints(&session, &oids).await?,
        ..Facts::default()
    };
    for view in oids.into_iter().filter(|view| origins.is_new(*view)) {
        let columns = facts.key_columns(view);
        if let Some(hint) = facts.queries.get(&view) {
            let plans = load_null_plans(&session, hint, &columns).await?;
            facts.null_plans.insert(view, plans);
        }
    }
    Ok(facts)
}

/// What the server refuses, if anything. A view that was never filled cannot be refreshed
/// concurrently the first time.
async fn refused(session: &Session, view: &MaterializedView) -> Result<Option<Refusal>> {
    let plain = format!("REFRESH MATERIALIZED VIEW {}", view.name);
    if !view.is_populated
        && let Err(error) = session.execute(&plain).await
    {
        return lost_or(error, Refusal::AtAll);
    }
    let concurrent = format!("REFRESH MATERIALIZED VIEW CONCURRENTLY {}", view.name);
    let Err(error) = session.execute(&concurrent).await else {
        return Ok(None);
    };
    match session.execute(&plain).await {
        Ok(()) => lost_or(error, Refusal::Concurrently),
        Err(error) => lost_or(error, Refusal::AtAll),
    }
}

fn lost_or(error: ServerError, refusal: fn(ServerError) -> Refusal) -> Result<Option<Refusal>> {
    if error.is_connection_lost() {
        return Err(error.into_failure());
    }
    Ok(Some(refusal(error)))
}
