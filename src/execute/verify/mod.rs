//! What `verify` does on a database that nobody needs.

mod apply;

pub use apply::{apply, load_base};
