//! The commands against a real server: one throwaway server for all tests, a fresh database for
//! each. `PGTEND_PG_BIN` chooses the server's version.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod activity;
mod apply;
mod choice;
mod connection;
mod declared;
mod demo;
mod drift;
mod encodings;
mod engine;
mod explain;
mod explain_trust;
mod faults;
mod fleet;
mod heal;
mod hijack;
mod history;
mod hostile_migrations;
mod house;
mod init;
mod links;
mod maintenance;
mod mutated;
mod mutated_plan;
mod names;
mod outcome;
mod owners_code;
mod partitions;
mod pooler;
mod privileges;
mod program;
mod refresh;
mod restored;
mod rules;
mod secrets;
mod seed;
mod sessions;
mod slow_queries;
mod sql_files;
mod steady;
mod support;
mod terminal;
mod trust;
mod upkeep;
mod verify;
mod verify_faults;
mod verify_formats;
mod verify_layouts;
mod verify_locks;
mod verify_schema;
mod verify_servers;
mod verify_since;
mod views;
