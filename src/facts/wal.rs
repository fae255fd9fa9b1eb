//! How far the server's WAL is.

use super::load::ask;
use crate::pg::session::Session;

/// An end of the WAL at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalPosition {
    /// Each promotion of a standby begins a new one.
    pub timeline: u32,
    /// The bytes before it.
    pub bytes: i64,
}

impl WalPosition {
    /// Whether a server that stands here certainly has what one had that stood there: a timeline that
    /// has begun since may have branched off before it.
    pub fn holds(self, there: WalPosition) -> bool {
        self.timeline == there.timeline && self.bytes >= there.bytes
    }
}

/// Where the WAL ends now; `None` on a standby, and where the server does not tell.
pub async fn load_wal_position(session: &Session) -> Option<WalPosition> {
    let rows = ask(session, include_str!("../../sql/catalog/wal_position.sql"), &[])
        .await
        .ok()?;
    let row = rows.first()?;
    let timeline: Option<String> = row.get("timeline");
    let timeline = u32::from_str_radix(&timeline?, 16).ok()?;
    Some(WalPosition { timeline, bytes: row.get::<_, Option<i64>>("bytes")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_behind_or_of_another_timeline_may_lack_it() {
        let at = |timeline, bytes| WalPosition { timeline, bytes };
        assert!(at(1, 10).holds(at(1, 10)) && at(1, 11).holds(at(1, 10)));
        assert!(!at(1, 9).holds(at(1, 10)));
        assert!(!at(2, 11).holds(at(1, 10)));
    }
}
