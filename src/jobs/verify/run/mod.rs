//! What `verify` does on a database that nobody needs.

mod apply;
mod base;
mod between;
mod converge;
mod down;
mod functions;
mod heal;
mod message;
mod own_tables;
mod sender;
mod views;
mod workload;

use crate::pg::session::Session;

pub use apply::apply;
pub use base::{load_base, without_unknown_settings};
pub use converge::converge;
pub use down::{RoundTripDatabase, Settings};
pub use functions::broken_functions;
pub use heal::{Healed, heal};
pub use own_tables::make_own_tables;
pub use views::refresh;
pub use workload::explain_workload;

/// Ends the session as a tool does that hangs up: what its migrations left open is rolled back, and
/// what they set is gone. One that a migration has ended itself has neither.
pub async fn end(session: Session) {
    for sql in ["ROLLBACK", "DISCARD ALL"] {
        let _ = session.execute(sql).await;
    }
}
