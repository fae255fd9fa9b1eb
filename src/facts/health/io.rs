//! Checkpoints, WAL and the configuration files.

use super::{of_function, rows};
use crate::facts::columns::facts_of_columns;
use crate::facts::known::Known;
use crate::facts::statements::{load_extension, load_moment};
use crate::failure::Result;
use crate::pg::database::Server;
use crate::pg::session::Session;

/// What the server writes, and what it cannot read of its configuration.
#[derive(Debug, Clone, Default)]
pub struct Io {
    pub checkpoints: Known<Vec<Checkpoints>>,
    pub wal: Known<Vec<Wal>>,
    pub file_errors: Known<Vec<FileError>>,
    /// `None` where statements are not counted, or the version does not tell.
    pub evictions: Known<Option<Evictions>>,
}

/// How often pg_stat_statements had no place for another statement, and forgot some of the rarest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evictions {
    pub times: i64,
    /// Since the last reset; `None`: it is not known when that was.
    pub reset_seconds: Option<f64>,
    /// So many statements have a place.
    pub places: i64,
}

facts_of_columns! {
    /// The checkpoints since the last reset of the counters.
    pub struct Checkpoints {
        pub timed: i64,
        /// Because too much WAL was written, or by hand.
        pub requested: i64,
        /// Times when a session had to flush a file itself.
        pub backend_fsyncs: i64,
        /// `None`: never.
        pub reset_seconds: Option<f64>,
    }
}

facts_of_columns! {
    /// The WAL since the last reset of the counters.
    pub struct Wal {
        pub bytes: i64,
        /// Whole pages in it.
        pub page_images: i64,
        /// `None`: never.
        pub reset_seconds: Option<f64>,
    }
}

facts_of_columns! {
    /// A line of a configuration file that the server cannot take.
    pub struct FileError {
        /// The setting; `None`: the line is none.
        pub name: Option<String>,
        pub file: Option<String>,
        pub line: Option<i32>,
        pub error: String,
    }
}

/// From here on the checkpointer has a view of its own.
const CHECKPOINTER_HAS_VIEW: u32 = 17;

pub(super) async fn load(session: &Session, server: &Server) -> Io {
    let checkpoints = match server.version.major() < CHECKPOINTER_HAS_VIEW {
        true => include_str!("../../../sql/check/checkpoints.sql"),
        false => include_str!("../../../sql/check/checkpoints_17.sql"),
    };
    let file_errors = include_str!("../../../sql/check/file_errors.sql");
    Io {
        checkpoints: rows(session, checkpoints).await,
        wal: rows(session, include_str!("../../../sql/check/wal.sql")).await,
        file_errors: of_function(session, server, file_errors, "pg_show_all_file_settings()").await,
        evictions: load_evictions(session).await.into(),
    }
}

async fn load_evictions(session: &Session) -> Result<Option<Evictions>> {
    let extension = load_extension(session).await?;
    let places = extension.max_statements.filter(|_| extension.has_info);
    let Some(places) = places else {
        return Ok(None);
    };
    let moment = load_moment(session, &extension).await?;
    Ok(moment.evictions.map(|times| Evictions {
        times,
        reset_seconds: moment.reset_epoch.map(|reset| moment.taken_epoch - reset),
        places,
    }))
}

#[cfg(test)]
impl Io {
    /// Nothing of it could be seen.
    pub fn unseen(why: &crate::facts::Unavailable) -> Self {
        Io {
            checkpoints: why.clone().into(),
            wal: why.clone().into(),
            file_errors: why.clone().into(),
            evictions: why.clone().into(),
        }
    }
}
