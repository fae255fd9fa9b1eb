//! Extensions, collations and operator classes.

use super::{ask, read, rows};
use crate::facts::KeyClass;
use crate::facts::columns::facts_of_columns;
use crate::facts::known::Known;
use crate::failure::Result;
use crate::pg::database::Server;
use crate::pg::session::Session;

/// What depends on the version of the server, its extensions and its system.
#[derive(Debug, Clone, Default)]
pub struct Versions {
    pub extensions: Known<Vec<Extension>>,
    pub collations: Known<Vec<Collation>>,
    pub index_classes: Known<Vec<IndexClass>>,
}

facts_of_columns! {
    /// An extension of this database.
    pub struct Extension {
        /// As the server quotes it.
        pub name: String,
        pub version: String,
        /// What CREATE EXTENSION would install; `None`: its files are not there.
        pub default_version: Option<String>,
        /// The files know the version that is installed.
        pub is_version_there: bool,
    }
}

facts_of_columns! {
    /// A collation that indexes rely on.
    pub struct Collation {
        /// As the server quotes it.
        pub object: String,
        /// It is the database's own.
        pub is_database: bool,
        /// Of the system's collation when this one was made.
        pub recorded: Option<String>,
        /// Of the system's collation now; `None`: it has no version.
        pub actual: Option<String>,
        /// That rely on it.
        pub indexes: i64,
    }
}

facts_of_columns! {
    /// An operator class by which indexes order or hash their keys.
    pub struct IndexClass {
        pub method: String,
        pub class: String,
        /// The key's type has a length, as `char(3)`.
        pub has_length: bool,
        pub indexes: i64,
        /// Some of them, as the server quotes them.
        pub examples: Vec<String>,
    }
}

impl IndexClass {
    pub fn key(&self) -> KeyClass<'_> {
        KeyClass {
            method: &self.method,
            class: &self.class,
            has_length: self.has_length,
        }
    }
}

impl Collation {
    /// The version that was recorded and that of now, where they differ. A database without one was made on a
    /// system whose collations have none.
    pub fn mismatch(&self) -> Option<(&str, &str)> {
        let unrecorded = self.is_database.then_some("none");
        let versions = self.recorded.as_deref().or(unrecorded).zip(self.actual.as_deref());
        versions.filter(|(recorded, actual)| recorded != actual)
    }
}

/// From here on databases know the version of their collation.
const DATABASES_HAVE_VERSIONS: u32 = 15;

pub(super) async fn load(session: &Session, server: &Server) -> Versions {
    let extensions = include_str!("../../../sql/check/extensions.sql");
    let index_classes = include_str!("../../../sql/check/index_classes.sql");
    Versions {
        extensions: rows(session, extensions).await,
        collations: load_collations(session, server).await.into(),
        index_classes: rows(session, index_classes).await,
    }
}

/// The collations that indexes rely on.
///
/// # Errors
/// Those of the connection.
pub async fn load_collations(session: &Session, server: &Server) -> Result<Vec<Collation>> {
    let sql = match server.version.major() < DATABASES_HAVE_VERSIONS {
        true => include_str!("../../../sql/check/collations.sql"),
        false => include_str!("../../../sql/check/collations_15.sql"),
    };
    let rows = ask(session, sql, &[]).await?;
    Ok(read(&rows))
}

#[cfg(test)]
impl Versions {
    /// Nothing of it could be seen.
    pub fn unseen(why: &crate::facts::Unavailable) -> Self {
        Versions {
            extensions: why.clone().into(),
            collations: why.clone().into(),
            index_classes: why.clone().into(),
        }
    }
}
