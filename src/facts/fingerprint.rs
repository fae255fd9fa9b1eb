//! All that a database's schemas hold, to compare before and after.

use std::collections::BTreeMap;

use crate::failure::Result;
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;

/// What a schema is made of, by kind and identity.
pub type Fingerprint = BTreeMap<Thing, Definition>;

/// One thing, in words: `table`, `public.sales`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Thing {
    pub kind: String,
    pub identity: String,
}

/// What it is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The name of what it belongs to: without that it cannot be.
    pub parent: Option<String>,
    pub text: String,
}

/// Takes it.
pub async fn load_fingerprint(session: &Session) -> Result<Fingerprint> {
    let sql = include_str!("../../sql/catalog/fingerprint.sql");
    let rows = session.query(sql, &[]).await.map_err(ServerError::into_failure)?;
    let things = rows.iter().map(|row| {
        let thing = Thing { kind: row.get("kind"), identity: row.get("identity") };
        let text = row.get::<_, Option<_>>("definition").unwrap_or_default();
        (thing, Definition { parent: row.get("parent"), text })
    });
    Ok(things.collect())
}
