//! The planner twin: a throwaway server that plans as production does, without its data. It has the
//! schema, the statistics and relation files of production's length, and each index that is to be
//! tried; `EXPLAIN` there is what PostgreSQL's own planner would say in production.

mod auto_explain;
mod build;
mod candidate;
pub mod copy;
pub mod data;
mod ddl;
mod ends;
mod export;
mod extended;
mod file;
mod files;
mod metapages;
mod migrate;
mod pages;
mod planner;
mod statement;
mod statistics;
mod values;
mod verdict;
pub mod wishes;
pub mod workload;

pub use build::Twin;
pub use candidate::{Candidate, Wish};
pub use export::{ExportRequest, Values, export};
pub use file::{load, save};
pub use files::Columns;
pub use migrate::Migrated;
pub use planner::{Planned, TwinStatement};
pub use values::{TwinValues, items};
pub use verdict::{PlanVerdict, differ};
