//! What the plan of a refresh has to know.

use std::collections::HashMap;

use super::history::LastRefresh;
use super::{KeyHint, Known, Oid, Sources, Views, load_key_hints, load_sources};
use crate::failure::Result;
use crate::pg::database::Server;
use crate::pg::session::Session;

/// What the plan has to know.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub views: Views,
    /// What unique indexes could be made of, where a view lacks one.
    pub hints: Known<HashMap<Oid, KeyHint>>,
    /// The last refreshes; empty without history.
    pub last: HashMap<Oid, LastRefresh>,
    /// What the views are made of now; only asked for where it decides.
    pub sources: HashMap<Oid, Sources>,
    /// TEMP privilege on the database.
    pub may_create_temp: bool,
    /// The database's name, for hints.
    pub database: String,
}

/// What is asked of the views that were chosen.
#[derive(Debug, Clone)]
pub struct ViewQuestions {
    pub views: Vec<Oid>,
    /// Those that lack a unique index, and should have one.
    pub keyless: Vec<Oid>,
    /// Whether it matters what they are made of.
    pub reads_sources: bool,
}

/// What else is to be known of these views.
///
/// # Errors
/// Those of the connection and of the catalog queries.
pub async fn load(
    session: &Session,
    server: &Server,
    views: Views,
    last: HashMap<Oid, LastRefresh>,
    asked: &ViewQuestions,
) -> Result<Facts> {
    let sources = match asked.reads_sources {
        true => load_sources(session, &asked.views).await?,
        false => HashMap::new(),
    };
    let hints = match asked.keyless.is_empty() {
        true => Known::default(),
        // Only a proposal: it is no reason to fail.
        false => load_key_hints(session, &asked.keyless).await.into(),
    };
    Ok(Facts {
        views,
        hints,
        last,
        sources,
        may_create_temp: server.may_create_temp,
        database: server.database.clone(),
    })
}
