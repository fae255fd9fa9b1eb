//! pgtend keeps a PostgreSQL database fast without getting in the way of the application that
//! uses it. The library holds the modules so that tests and benches can use them; imports point
//! down this list, never up.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod declared;
pub mod pg;

pub mod failure;
pub mod pg;
