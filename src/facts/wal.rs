//! How far the server's WAL is.

use super::known::{Known, Unavailable};
use super::load::{ask, first};
use crate::failure::{Failure, Kind, Result};
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

/// Where the WAL ends now; a standby writes none.
pub async fn load_wal_position(session: &Session) -> Known<WalPosition> {
    match read_position(session).await {
        Ok(Some(position)) => Known::Known(position),
        Ok(None) => Unavailable::because("a standby writes no WAL of its own").into(),
        Err(failure) => Unavailable::from(failure).into(),
    }
}

async fn read_position(session: &Session) -> Result<Option<WalPosition>> {
    let rows = ask(session, include_str!("../../sql/catalog/wal_position.sql"), &[]).await?;
    let row = first(&rows)?;
    let position = row.get::<_, Option<String>>("timeline").zip(row.get("bytes"));
    let Some((timeline, bytes)) = position else {
        return Ok(None);
    };
    let timeline = u32::from_str_radix(&timeline, 16)
        .map_err(|_| Failure::new(Kind::Server, format!("{timeline} is no WAL timeline")))?;
    Ok(Some(WalPosition { timeline, bytes }))
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
