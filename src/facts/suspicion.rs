//! Indexes that an error of PostgreSQL, or other collations of the system, may have damaged.

use std::collections::HashMap;

use super::columns::{FromRow, facts_of_columns};
use super::health::{Collation, load_collations};
use super::load::ask;
use super::{INDEX_FAULTS, IndexFault, KeyClass, Oid};
use crate::failure::Result;
use crate::pg::database::Server;
use crate::pg::session::Session;
use crate::pg::version::ServerVersion;

/// Why an index may be damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspicion {
    /// In words, without a full stop.
    pub why: String,
    /// The release that a rebuild takes, where the one that runs makes the same error again.
    pub update_to: Option<ServerVersion>,
}

facts_of_columns! {
    /// A key of an index.
    pub struct Key {
        pub index_oid: u32,
        pub method: String,
        pub class: String,
        pub has_length: bool,
        pub collation: Option<String>,
        pub is_database_collation: bool,
    }
}

/// All indexes that may be damaged.
///
/// # Errors
/// Those of the connection, and where the collations could not be seen.
pub async fn load_suspicions(
    session: &Session,
    server: &Server,
) -> Result<HashMap<Oid, Suspicion>> {
    let rows = ask(session, include_str!("../../sql/catalog/index_keys.sql"), &[]).await?;
    let keys = rows.iter().map(Key::from_row).collect::<Vec<_>>();
    let collations = load_collations(session, server).await?;
    Ok(suspicions(&keys, &collations, server.version))
}

/// One reason for each index: what takes an update goes before what a rebuild alone mends, because until then the
/// rebuilt index may be damaged again.
fn suspicions(
    keys: &[Key],
    collations: &[Collation],
    running: ServerVersion,
) -> HashMap<Oid, Suspicion> {
    let mut found = HashMap::<Oid, Suspicion>::new();
    for key in keys {
        let sorted = collations
            .iter()
            .filter(|collation| key.is_sorted_by(collation))
            .filter_map(sorted_otherwise);
        let faults = INDEX_FAULTS.iter().filter(|fault| fault.is_of(key.class()));
        let of_faults = faults.filter_map(|fault| left_by(fault, running));
        for suspicion in sorted.chain(of_faults) {
            let known = found.entry(key.index_oid).or_insert_with(|| suspicion.clone());
            if known.update_to.is_none() && suspicion.update_to.is_some() {
                *known = suspicion;
            }
        }
    }
    found
}

impl Key {
    fn class(&self) -> KeyClass<'_> {
        KeyClass {
            method: &self.method,
            class: &self.class,
            has_length: self.has_length,
        }
    }

    fn is_sorted_by(&self, collation: &Collation) -> bool {
        let is_its = match collation.is_database {
            true => self.is_database_collation,
            false => self.collation.as_ref() == Some(&collation.object),
        };
        is_its && self.method != "hash"
    }
}

fn sorted_otherwise(collation: &Collation) -> Option<Suspicion> {
    let (recorded, actual) = collation.mismatch()?;
    let whose = match collation.is_database {
        true => "the database".to_owned(),
        false => collation.object.clone(),
    };
    let why = format!(
        "the system sorts by version {actual} of the collation of {whose}, and {recorded} was recorded"
    );
    Some(Suspicion { why, update_to: None })
}

fn left_by(fault: &IndexFault, running: ServerVersion) -> Option<Suspicion> {
    let end = fault.fixed_in(running)?;
    Some(Suspicion {
        why: format!(
            "an error of PostgreSQL before {end} concerns {}: {}",
            fault.indexes, fault.what
        ),
        update_to: (running < end).then_some(end),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(index_oid: u32, method: &str, class: &str, collation: Option<&str>) -> Key {
        Key {
            index_oid,
            method: method.to_owned(),
            class: class.to_owned(),
            collation: collation.map(str::to_owned),
            is_database_collation: collation == Some("pg_catalog.default"),
            ..Key::default()
        }
    }

    #[test]
    fn an_index_is_suspect_by_its_collation_or_its_kind() {
        let collation = |object: &str, is_database, actual: &str| Collation {
            object: object.to_owned(),
            is_database,
            recorded: Some("1".to_owned()),
            actual: Some(actual.to_owned()),
            indexes: 1,
        };
        let collations = [
            collation("shop", true, "1"),
            collation("public.english", false, "2"),
            collation("public.german", false, "1"),
        ];
        let keys = [
            key(1, "btree", "int4_ops", None),
            key(2, "btree", "text_ops", Some("pg_catalog.default")),
            key(3, "btree", "text_ops", Some("public.english")),
            key(4, "hash", "text_ops", Some("public.english")),
            key(5, "btree", "text_ops", Some("public.german")),
            key(6, "brin", "int4_minmax_ops", None),
            key(7, "gin", "jsonb_ops", None),
        ];
        let found = suspicions(&keys, &collations, ServerVersion(150_018));
        let mut oids = found.keys().copied().collect::<Vec<_>>();
        oids.sort_unstable();
        assert_eq!(oids, [3, 6, 7]);
        assert_eq!(found[&6].update_to, None, "15.4 has ended it: {}", found[&6].why);
        assert_eq!(found[&7].update_to, Some(ServerVersion(150_020)));
        let database = suspicions(&keys, &[collation("shop", true, "2")], ServerVersion(190_000));
        assert_eq!(database.into_keys().collect::<Vec<_>>(), [2]);
    }
}
