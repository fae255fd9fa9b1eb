//! The connection to PostgreSQL and the words that are spoken over it.

pub mod conninfo;
pub mod name;
pub mod tls;
