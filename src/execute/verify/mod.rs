//! What `verify` does on a database that nobody needs.

mod apply;
mod message;
mod sender;

pub use apply::{apply, load_base, run};
