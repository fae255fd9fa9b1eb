//! What `verify` does on a database that nobody needs.

mod apply;
mod functions;
mod message;
mod own_tables;
mod sender;
mod workload;

pub use apply::{apply, load_base, run};
pub use functions::broken_functions;
pub use own_tables::make_own_tables;
pub use workload::explain_workload;
