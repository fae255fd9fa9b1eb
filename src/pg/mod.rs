//! The connection to PostgreSQL and the words that are spoken over it.

pub mod advisory;
pub mod comment;
mod connect_failure;
pub mod connections;
mod connector;
pub mod copy;
pub mod database;
pub mod name;
pub mod name_pattern;
mod notice;
pub mod prepared;
pub mod row;
pub mod search_path;
pub mod server_error;
pub mod session;
mod settings;
pub mod version;

pub use pg_conninfo as conninfo;
