//! The commands, a folder each or one for a family: `Args` is the manual, `run` the table of contents.

pub mod activity;
pub mod adopt;
pub mod advise;
pub mod check;
pub mod completions;
pub mod history;
pub mod init;
pub mod load;
pub mod maintenance;
pub mod man;
pub mod plan_and_apply;
pub mod prove;
pub mod refresh;
pub mod reindex;
pub mod rules;
pub mod slow_queries;
pub mod snapshot;
pub mod verify;
pub mod what_if;
