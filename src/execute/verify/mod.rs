//! What `verify` does on a database that nobody needs.

mod apply;
mod own_tables;

pub use apply::{apply, load_base};
pub use own_tables::make_own_tables;
