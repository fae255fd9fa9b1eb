//! What `verify` does on a database that nobody needs.

mod apply;
mod converge;
mod down;
mod heal;
mod views;

use crate::pg::session::Session;

pub use apply::{apply, load_base};
pub use converge::{Converged, converge};
pub use down::{Settings, Site, State};
pub use heal::{Healed, heal};
pub use views::{Refreshed, refresh};

/// Ends the session as a tool does that hangs up: what its migrations left open is rolled back, and
/// what they set is gone. One that a migration has ended itself has neither.
pub async fn end(session: Session) {
    for sql in ["ROLLBACK", "DISCARD ALL"] {
        let _ = session.execute(sql).await;
    }
}
