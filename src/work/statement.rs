//! What is sent to the server, and the way in which it has to be sent.

use crate::declared::DeclaredIndex;
use crate::facts::Oid;
use crate::pg::name::{RelationName, quote_ident};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// A concurrent build: alone in its message, without timeouts. The application does not wait
    /// for it, however long it waits itself. If it breaks off, an invalid `index` may remain.
    Build {
        sql: String,
        /// The index that it builds.
        index: RelationName,
        /// The table, if it exists already.
        table: Option<Oid>,
    },
    /// A concurrent drop, sent like a build.
    Drop {
        sql: String,
        /// The index that it drops.
        index: RelationName,
    },
    /// Anything else that is sent alone and takes as long as it takes.
    Alone(String),
    /// A short transaction under a short lock_timeout, tried again when the lock is not free:
    /// others would queue behind its lock.
    Short(Vec<String>),
}

impl Statement {
    /// The index that it builds or drops.
    pub fn index(&self) -> Option<&RelationName> {
        match self {
            Statement::Build { index, .. } | Statement::Drop { index, .. } => Some(index),
            Statement::Alone(_) | Statement::Short(_) => None,
        }
    }

    /// The SQL texts in the order in which they are sent.
    pub fn texts(&self) -> Vec<String> {
        match self {
            Statement::Build { sql, .. } | Statement::Drop { sql, .. } | Statement::Alone(sql) => {
                vec![sql.clone()]
            }
            Statement::Short(all) => std::iter::once("BEGIN".to_owned())
                .chain([format!("SET LOCAL lock_timeout = '{SHORT_LOCK_TIMEOUT}'")])
                .chain(all.iter().cloned())
                .chain(["COMMIT".to_owned()])
                .collect(),
        }
    }
}

/// How long a short transaction may queue for a lock: so long, at most, does the application queue
/// behind it.
pub const SHORT_LOCK_TIMEOUT: &str = "500ms";

/// The concurrent build of a declared index on some table, under some name.
pub fn create(
    declared: &DeclaredIndex,
    table: &RelationName,
    oid: Option<Oid>,
    name: &RelationName,
) -> Statement {
    create_as(declared, &declared.definition, (table, oid), name)
}

/// The same with another text behind the table's name.
pub fn create_as(
    declared: &DeclaredIndex,
    definition: &str,
    (table, oid): (&RelationName, Option<Oid>),
    name: &RelationName,
) -> Statement {
    let unique = if declared.unique { "UNIQUE " } else { "" };
    let name_only = quote_ident(&name.name);
    let sql = format!("CREATE {unique}INDEX CONCURRENTLY {name_only} ON {table} {definition}");
    Statement::Build { sql, index: name.clone(), table: oid }
}

/// The concurrent drop of an index.
pub fn drop(name: &RelationName) -> Statement {
    Statement::Drop {
        sql: format!("DROP INDEX CONCURRENTLY {name}"),
        index: name.clone(),
    }
}
