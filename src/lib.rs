//! pgtend keeps a PostgreSQL database fast without getting in the way of the application that
//! uses it. The library holds the modules so that tests and benches can use them; imports point
//! down this list, never up.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod cli;
pub mod commands;
pub mod rerun;

pub mod report;

pub mod output;

pub mod execute;

pub mod event;

pub mod plan;

pub mod findings;

pub mod declared;

pub mod catalog;

pub mod syntax;

pub mod sandbox;

pub mod pg;

pub mod cancel;
pub mod config;
pub mod duration;
pub mod escape_control;
pub mod failure;
pub mod figures;
pub mod files;
