//! Looking at what a plan has to know of the indexes that it is about.

use super::plan::{self, Options};
use crate::facts::reindex::{self, Facts};
use crate::facts::{IndexesWanted, load_builds, load_index_bloat};
use crate::failure::Result;
use crate::pg::database::Server;
use crate::pg::session::Session;
use crate::work::plan::Plan;

/// Completes the facts of these indexes, and plans: first by size, then by how full the leaves are of what
/// would be rebuilt for its size alone.
///
/// # Errors
/// Those of the connection, and `Usage` for a pattern that matches nothing.
pub async fn load_plan(
    session: &Session,
    server: &Server,
    mut facts: Facts,
    options: &Options,
) -> Result<(Facts, Plan)> {
    let named = plan::named(&facts, options)?;
    if named.as_ref().is_none_or(|oids| !oids.is_empty()) {
        let wanted = match &named {
            Some(oids) => IndexesWanted { oids, least_bytes: 0 },
            None => IndexesWanted { oids: &[], least_bytes: options.gates.min_saved },
        };
        let found = load_index_bloat(session, server, wanted).await?;
        facts.bloat = found.into_iter().map(|index| (index.oid, index)).collect();
    }
    let compared = facts.bloat.keys().copied().collect::<Vec<_>>();
    facts.sizes = reindex::load_sizes(session, &compared).await;
    facts.builds = load_builds(session).await?;
    let mut planned = plan::plan(&facts, options)?;
    let to_confirm = plan::to_confirm(&planned);
    if !to_confirm.is_empty() {
        facts.densities = reindex::load_densities(session, &to_confirm).await;
        planned = plan::plan(&facts, options)?;
    }
    Ok((facts, planned))
}
