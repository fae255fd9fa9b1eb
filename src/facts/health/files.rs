//! What lies on disk beside tables and indexes.

use super::{of_function, rows, rows_unless_denied};
use crate::facts::columns::facts_of_columns;
use crate::facts::known::{Known, Unavailable};
use crate::pg::database::Server;
use crate::pg::name::quote_ident;
use crate::pg::session::Session;

/// What lies on disk beside tables and indexes.
#[derive(Debug, Clone, Default)]
pub struct Files {
    pub wal: Known<Vec<WalFiles>>,
    pub multixacts: Known<Vec<MultixactFiles>>,
    pub large_objects: Known<Vec<LargeObjects>>,
}

facts_of_columns! {
    /// The WAL that is kept.
    pub struct WalFiles {
        pub bytes: i64,
        pub files: i64,
    }
}

facts_of_columns! {
    /// The files that say which transactions each multixact stands for.
    pub struct MultixactFiles {
        pub files: i64,
    }
}

facts_of_columns! {
    /// Large objects, and how many of them columns can refer to.
    pub struct LargeObjects {
        /// Counted up to `MOST_LARGE_OBJECTS`, and one more.
        pub objects: i64,
        /// As of the last VACUUM or ANALYZE.
        pub bytes: i64,
        /// Of type oid, or of a domain over it.
        pub columns: i64,
        /// Of their tables, once for each column; `None`: one was never analyzed.
        pub rows: Option<f64>,
    }
}

/// So many are counted.
pub const MOST_LARGE_OBJECTS: i64 = 100_000;

pub(super) async fn load(session: &Session, server: &Server) -> Files {
    let denied = Unavailable::because("this role may not call pg_ls_waldir()")
        .help(format!("GRANT pg_monitor TO {}", quote_ident(&server.role)));
    let wal = include_str!("../../../sql/check/wal_files.sql");
    let multixacts = include_str!("../../../sql/check/multixact_members.sql");
    Files {
        wal: rows_unless_denied(session, wal, denied).await,
        multixacts: of_function(session, server, multixacts, "pg_ls_dir(text)").await,
        large_objects: rows(session, include_str!("../../../sql/check/large_objects.sql")).await,
    }
}

#[cfg(test)]
impl Files {
    /// Nothing of it could be seen.
    pub fn unseen(why: &Unavailable) -> Self {
        Files {
            wal: why.clone().into(),
            multixacts: why.clone().into(),
            large_objects: why.clone().into(),
        }
    }
}
