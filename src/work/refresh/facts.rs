//! What the plan of a refresh has to know.

use std::collections::HashMap;

use super::plan::{self, Facts, LastRefresh, Options};
use crate::facts::{self, Oid, Views, history};
use crate::failure::Result;
use crate::format;
use crate::pg::database::Database;
use crate::pg::session::Session;

/// The last refreshes of these views, or of all where none is named. Only to be asked for where
/// there is a history.
pub async fn last_refreshes(session: &Session, views: &[Oid]) -> Result<HashMap<Oid, LastRefresh>> {
    let runs = history::load_last_refreshes(session, views).await?;
    let last = runs.into_iter().filter_map(|run| {
        let last = LastRefresh {
            age: format::seconds(run.succeeded_ago_seconds)?,
            usual_duration: run.median_duration_ms.and_then(|ms| format::seconds(ms / 1e3)),
            // What another version has kept is as good as nothing.
            sources: run.sources.and_then(|sources| serde_json::from_str(&sources).ok()),
        };
        Some((run.object_oid, last))
    });
    Ok(last.collect())
}

/// What the plan of these options has to know.
///
/// # Errors
/// Those of the connection and of the catalog queries; `Usage` for a pattern that matches nothing.
pub async fn facts(
    session: &Session,
    database: &Database,
    options: &Options,
    last: &HashMap<Oid, LastRefresh>,
) -> Result<Facts> {
    let views = facts::load_views(session, &database.server.search_path).await?;
    let chosen = plan::choose(&views, options)?;
    let chosen = chosen.iter().map(|view| view.oid).collect::<Vec<_>>();
    let sources = match options.if_changed {
        true => facts::load_sources(session, &chosen).await?,
        false => HashMap::new(),
    };
    let last = last.clone();
    Ok(Facts {
        last,
        sources,
        ..about(session, database, views, &chosen, options).await?
    })
}

/// What else is to be known of the chosen ones of these views, but for their past and their sources.
pub async fn about(
    session: &Session,
    database: &Database,
    views: Views,
    chosen: &[Oid],
    options: &Options,
) -> Result<Facts> {
    let keyless = views.all.iter().filter(|view| chosen.contains(&view.oid));
    let keyless = keyless.filter(|view| plan::needs_hint(view, options));
    let keyless = keyless.map(|view| view.oid).collect::<Vec<_>>();
    let hints = match keyless.is_empty() {
        true => HashMap::new(),
        // Only a proposal: it is no reason to fail.
        false => facts::load_key_hints(session, &keyless).await.unwrap_or_default(),
    };
    Ok(Facts {
        hints,
        may_create_temp: database.server.may_create_temp,
        database: database.server.database.clone(),
        views,
        ..Facts::default()
    })
}
