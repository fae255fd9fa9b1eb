//! A look with the checks that are made by default, for who looks again and again.

use jiff::ZonedDateTime;

use super::glance::Glance;
use super::plan::{self, Judgement, Measure};
use super::run::{fails_on, suppressions};
use super::selection::Selection;
use crate::config::Config;
use crate::facts::health::{Health, load_health, load_ignore_comments};
use crate::failure::Result;
use crate::pg::database::Server;
use crate::pg::session::Session;

/// What was seen, and what came of it.
#[derive(Debug)]
pub struct Seen {
    pub health: Health,
    pub judgement: Judgement,
    pub glance: Glance,
}

/// Looks at all of it and judges, as the configuration says.
///
/// # Errors
/// `Connection` where the connection is lost, and `Usage` for what the configuration says wrongly.
pub async fn look(session: &Session, server: &Server, config: &Config) -> Result<Seen> {
    let owner = config.history.owner.as_deref();
    let health = load_health(session, server, owner, plan::is_due).await?;
    let comments = load_ignore_comments(session).await?;
    let measure = Measure {
        selection: Selection::default(),
        suppressions: suppressions(config, &comments),
        baseline: None,
        fails_on: fails_on(config, &[])?,
        today: ZonedDateTime::now().date(),
    };
    let judgement = plan::judge(&health, measure);
    let glance = Glance::new(&health, server);
    Ok(Seen { health, judgement, glance })
}
