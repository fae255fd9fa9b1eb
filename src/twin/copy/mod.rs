//! A throwaway server with the tables that statements read, and their rows: there statements are
//! executed and measured. Everything on it belongs to a role without rights, and that role executes.

mod rows;
mod samples;
mod trial;
mod values;

use std::collections::BTreeSet;
use std::sync::Arc;

use pg_sandbox::{Binaries, Sandbox};

pub use rows::{CopyLimits, Share};
pub use samples::Join;
pub use trial::{Measurable, RunFigures, TrialIndex, TrialRun};
pub use values::KnownValues;

use super::build::{TwinServer, execute, make_all, set_settings};
use super::data::TwinData;
use super::ddl;
use crate::failure::Result;
use crate::pg::database::ConnectOptions;
use crate::pg::name::RelationName;
use crate::pg::session::Session;
use crate::sandbox;

const SETTINGS: [(&str, &str); 6] = [
    // It would work beside what is measured.
    ("autovacuum", "off"),
    ("max_locks_per_transaction", "1024"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    // No checkpoint falls into a measurement.
    ("checkpoint_timeout", "1d"),
    ("max_wal_size", "4GB"),
];

/// Functions of these can be executed with rows of the copy in hand: none of them reaches out of the
/// server. Others are left out.
const HARMLESS_EXTENSIONS: [&str; 27] = [
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "dict_int",
    "dict_xsyn",
    "earthdistance",
    "fuzzystrmatch",
    "hstore",
    "intarray",
    "isn",
    "ltree",
    "pageinspect",
    "pg_stat_statements",
    "pg_trgm",
    "pgcrypto",
    "plpgsql",
    "postgis",
    "rum",
    "seg",
    "tablefunc",
    "tsm_system_rows",
    "tsm_system_time",
    "unaccent",
    "uuid-ossp",
    "vector",
    "xml2",
];

/// A server with a copy.
pub struct CopyServer {
    data: Arc<TwinData>,
    /// Writes the catalog; it never parses what others wrote.
    superuser: Session,
    /// Owns everything and executes.
    owner: Session,
    prepared: u32,
    candidates: u32,
    /// What could not be made, each with the reason.
    pub missing: Vec<String>,
    // Dropped last: the sessions end before their server.
    sandbox: Sandbox,
}

impl std::fmt::Debug for CopyServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CopyServer").finish_non_exhaustive()
    }
}

impl CopyServer {
    /// Starts the server and makes the tables, without rows and indexes.
    ///
    /// # Errors
    /// `Sandbox` where no server can be made; those of its sessions.
    pub async fn start(
        data: Arc<TwinData>,
        binaries: Binaries,
        connect_options: &ConnectOptions,
    ) -> Result<CopyServer> {
        let mut left_out = Vec::new();
        let data = Arc::new(without_reaching(&data, &mut left_out));
        let TwinServer { sandbox, superuser, owner, mut missing } =
            TwinServer::make(&data, binaries, &SETTINGS, connect_options).await?;
        missing.extend(left_out);
        missing.extend(set_settings(&owner, &data).await?);
        Ok(CopyServer {
            data,
            superuser,
            owner,
            prepared: 0,
            candidates: 0,
            missing,
            sandbox,
        })
    }

    /// Indexes and constraints of the tables that have rows, and statistics. Foreign keys only between
    /// tables that are whole: in a sample rows that they name are missing.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn index(&mut self, shares: &[Share]) -> Result<()> {
        let is_sampled = shares.iter().any(|share| share.percent.is_some());
        let copied = shares
            .iter()
            .map(|share| (share.schema.as_str(), share.name.as_str()))
            .collect::<BTreeSet<_>>();
        let mut data = (*self.data).clone();
        let is_needed = |schema: &str, table: &str, kind: Option<&str>| {
            copied.contains(&(schema, table)) || kind == Some("I")
        };
        data.indexes
            .retain(|index| is_needed(&index.schema, &index.table, Some(&index.kind)));
        data.foreign_keys.retain(|key| {
            !is_sampled && copied.contains(&(key.schema.as_str(), key.table.as_str()))
        });
        let made = make_all(&self.owner, ddl::indexes_and_constraints(&data)).await?;
        self.missing.extend(made);
        Ok(())
    }

    /// VACUUM and ANALYZE, as these tables would be in production: their rows are visible to all.
    ///
    /// # Errors
    /// Those of the connection; `Server` where it fails.
    pub async fn analyze(&self, tables: &[RelationName]) -> Result<()> {
        for table in tables {
            let name = table.to_string();
            execute(&self.owner, &format!("VACUUM (ANALYZE) {name}")).await?;
        }
        execute(&self.superuser, "CHECKPOINT").await
    }

    /// Stops the server and removes its files, and says what failed.
    ///
    /// # Errors
    /// `Sandbox` where the server goes on or a file stays.
    pub async fn stop(self) -> Result<()> {
        let CopyServer { sandbox, superuser, owner, .. } = self;
        drop((superuser, owner));
        sandbox::stop(sandbox).await
    }
}

fn without_reaching(data: &TwinData, missing: &mut Vec<String>) -> TwinData {
    let mut data = data.clone();
    data.extensions.retain(|extension| {
        let is_harmless = HARMLESS_EXTENSIONS.contains(&extension.name.as_str());
        if !is_harmless {
            missing.push(format!(
                "extension {}: it is left out, because its functions could carry rows of the copy out \
                 of this server",
                extension.name
            ));
        }
        is_harmless
    });
    data
}
