//! What `verify` tells programs.

use serde::Serialize;

use crate::findings::{Repository, ReviewDocument};
use crate::format::millis;
use crate::jobs::verify::plan::{HeldLock, LaidOut, VerifiedOn, VerifyResults};

/// The verdict on a folder of migrations.
#[derive(Debug, Serialize)]
pub struct VerifyDocument {
    #[serde(skip_serializing_if = "Option::is_none")]
    layout: Option<LayoutDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<SinceDocument>,
    #[serde(flatten)]
    review: ReviewDocument,
    locks: Vec<LockDocument>,
    servers: Vec<VerifyServerDocument>,
}

impl VerifyDocument {
    /// As programs read it.
    pub fn new(judgement: &VerifyResults, repository: &Repository) -> Self {
        VerifyDocument {
            layout: judgement.laid_out.map(LayoutDocument::new),
            since: judgement.left_out().map(SinceDocument::new),
            review: ReviewDocument::new(&judgement.review, repository),
            locks: judgement.locks.iter().map(LockDocument::new).collect(),
            servers: judgement.verified_on.iter().map(VerifyServerDocument::new).collect(),
        }
    }
}

/// A server that `verify` worked on.
#[derive(Debug, Clone, Serialize)]
struct VerifyServerDocument {
    version: String,
    folder: Option<String>,
    startup_ms: Option<u64>,
}

/// Which files findings of `verify` are told of: those that have changed since a commit.
#[derive(Debug, Clone, Serialize)]
struct SinceDocument {
    commit: String,
    left_out: usize,
}

/// How migrations are laid out.
#[derive(Debug, Clone, Serialize)]
struct LayoutDocument {
    name: String,
    guessed: bool,
}

/// A lock that a migration's statement took.
#[derive(Debug, Clone, Serialize)]
struct LockDocument {
    file: String,
    line: u32,
    object: String,
    /// Null where it could not be seen.
    lock: Option<String>,
    held_ms: u64,
    rewrites: bool,
    scans: bool,
}

impl VerifyServerDocument {
    fn new(server: &VerifiedOn) -> Self {
        VerifyServerDocument {
            version: server.version.clone(),
            folder: server.folder.as_ref().map(|folder| folder.display().to_string()),
            startup_ms: server.start_up.map(millis),
        }
    }
}

impl SinceDocument {
    /// The commit, and how many findings were left out.
    fn new((commit, left_out): (&str, usize)) -> Self {
        SinceDocument { commit: commit.to_owned(), left_out }
    }
}

impl LayoutDocument {
    /// As programs read it.
    fn new(laid_out: LaidOut) -> Self {
        LayoutDocument { name: laid_out.layout_name(), guessed: laid_out.is_guessed }
    }
}

impl LockDocument {
    /// As programs read it.
    fn new(lock: &HeldLock) -> Self {
        LockDocument {
            file: lock.place.at.file.display().to_string(),
            line: lock.place.at.line,
            object: lock.relation.to_string(),
            lock: lock.mode.map(|mode| mode.to_string()),
            held_ms: millis(lock.held),
            rewrites: lock.is_rewritten,
            scans: lock.is_scanned,
        }
    }
}
