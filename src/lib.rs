//! pgtend keeps a PostgreSQL database fast without getting in the way of the application that
//! uses it. This is the program itself, and no library for others: what is public is what `main`, the
//! tests of `tests/it` and the targets of `fuzz` need. Imports point down this list, never up.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]
#![allow(
    rustdoc::private_intra_doc_links,
    reason = "its documentation shows what is private"
)]

mod cli;
mod complete;
mod demo;
pub mod rerun;

mod serve;

mod jobs;

mod app;

mod output;

mod work;

mod findings;

mod twin;

mod declared;

mod facts;

mod syntax;

mod sandbox;

mod pg;

pub mod cancel;
mod config;
mod did_you_mean;
mod duration;
mod escape_control;
pub mod failure;
mod files;
mod format;
mod shell;
mod size;
mod warning;

pub use cli::Cli;
pub use complete::answers_a_shell;
pub use output::inflight::Inflight;
pub use output::{Console, Origin};

/// What tests and fuzz targets look into that the program does not show.
#[doc(hidden)]
pub mod inside {
    pub use crate::config::History as HistoryOptions;
    pub use crate::declared::migrations::{Asked, load as load_migrations, statements};
    pub use crate::declared::psql::{PsqlReader, PsqlText};
    pub use crate::declared::{Others, Passed, SqlFile, understand};
    pub use crate::duration::parse as parse_duration;
    pub use crate::facts::explain::{Explained, Guard, TableFacts, generic_plan, load_table_facts};
    pub use crate::facts::reach::{Deed, Trust};
    pub use crate::facts::secret::without_secrets;
    pub use crate::facts::statements::{SnapshotFile, selected};
    pub use crate::facts::{IndexBloat, IndexesWanted, Known, load_index_bloat};
    pub use crate::jobs::slow_queries::plan::CounterCondition;
    pub use crate::pg::database::{ConnectOptions, Database, Errand, OrphanPolicy, Workers};
    pub use crate::pg::name::RelationName;
    pub use crate::pg::name_pattern::NamePattern;
    pub use crate::pg::row::Fault;
    pub use crate::pg::session::{Echo, Session};
    pub use crate::sandbox::{SEARCH, options as sandbox_options};
    pub use crate::work::record::HistoryRecorder;
    pub use crate::work::window::Window;

    pub mod explained {
        pub use crate::work::explained::{PlanReading, bare, compared, read, relations, served_by};
    }

    pub mod history {
        pub use crate::facts::history::{
            HistoryPart, HistorySchema, Installed, Run, RunFilter, load_last_refreshes, load_runs,
            load_schema,
        };
    }

    pub mod measures {
        pub use crate::facts::measures::{MeasureKind, Measured, load_measured};
        pub use crate::facts::trend::{Forecast, Limit, Point, Rate, Reaches};
    }
}
