//! What the server made of the migrations, and what a refusal means.

use std::time::Duration;

use super::observed::Observed;
use super::refusal;
use crate::declared::migrations::Layout;
use crate::findings::{Finding, Place, Rule};
use crate::pg::server_error::ServerError;

/// What the server made of the migrations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// How many were applied whole, from the first on.
    pub migrations: usize,
    /// Why the next one was not.
    pub refused: Option<Refused>,
    /// How long it took.
    pub took: Duration,
    /// What was seen meanwhile.
    pub observed: Observed,
}

/// A statement that the server refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Where it stands, or where in it the server saw the error.
    pub place: Place,
    /// The statement; empty where it is not known.
    pub statement: String,
    pub error: ServerError,
}

impl Applied {
    /// With what the tool's users are to do about the refusal.
    #[must_use]
    pub fn for_layout(mut self, layout: Layout, has_preset: bool) -> Self {
        if layout == Layout::Supabase
            && !has_preset
            && let Some(refused) = &mut self.refused
            && refusal::is_missing(&refused.error)
            && refused.error.hint.is_none()
        {
            refused.error.hint = Some(
                "--preset supabase makes the roles, schemas, tables and functions that Supabase brings"
                    .to_owned(),
            );
        }
        self
    }
}

/// PostgreSQL's SQLSTATE for what may not stand in a transaction (appendix A).
const ACTIVE_SQL_TRANSACTION: &str = "25001";

/// The finding that it is.
pub fn finding(refused: &Refused) -> Finding {
    let error = &refused.error;
    let in_transaction = error.sqlstate.as_deref() == Some(ACTIVE_SQL_TRANSACTION);
    if is_concurrent_on_partitioned(refused) {
        return Finding::new(
            &Rule::CONCURRENTLY_ON_PARTITIONED,
            Some(refused.place.clone()),
            error.to_string(),
        )
        .help(
            "CREATE INDEX … ON ONLY the partitioned table, CREATE INDEX CONCURRENTLY on each partition, \
             and ALTER INDEX … ATTACH PARTITION for each; pgtend apply does just that",
        );
    }
    let rule = if in_transaction {
        &Rule::IN_TRANSACTION
    } else {
        &Rule::NOT_APPLIED
    };
    let finding = Finding::new(rule, Some(refused.place.clone()), error.to_string());
    match &error.hint {
        _ if in_transaction => finding
            .help("put it in a migration of its own that your tool does not run in a transaction"),
        Some(hint) => finding.help(hint),
        None => match refusal::help(error) {
            Some(help) => finding.help(help),
            None => finding,
        },
    }
}

/// Of what may be concurrent, the server has not made it so for partitioned tables
/// (feature_not_supported: PostgreSQL documentation, CREATE INDEX).
fn is_concurrent_on_partitioned(refused: &Refused) -> bool {
    let statement = refused.statement.to_ascii_uppercase();
    refused.error.sqlstate.as_deref() == Some("0A000")
        && statement.split_whitespace().any(|word| word == "CONCURRENTLY")
        && statement.contains("INDEX")
}
