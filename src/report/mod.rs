//! What each command shows, to people and to programs.

pub mod activity;
pub mod apply;
pub mod demo;
pub mod dry_run;
mod events;
pub mod executed;
pub mod explain;
pub mod history;
pub mod inflight;
pub mod init;
pub mod metrics;
pub mod plan;
pub mod progress;
pub mod refresh;
pub mod snapshot;
pub mod statements;
mod steps;
pub mod upkeep;
pub mod verify;
