//! The checks of `verify`, and the servers on which they are made.

use std::path::PathBuf;
use std::time::Duration;

/// The checks, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckName {
    /// Every file is SQL.
    Parse,
    /// Every migration can be applied, one after the other.
    Apply,
    /// Every extension is there; only made where one is created.
    Extensions,
    /// Every index is valid afterwards, and needed.
    Indexes,
    /// What the migrations declare is there, and `apply` finds nothing to do.
    Converge,
    /// An index whose build breaks off is mended.
    Heal,
    /// Every materialized view can be refreshed while it is read.
    Views,
    /// No query of the workload gets dearer with production's statistics; only made with a twin.
    Plans,
    /// The way back restores the schema.
    Down,
    /// What the migrations lock of that which was there before.
    Locks,
    /// Nothing is done that is known to end badly.
    Lint,
    /// What is suppressed is there, and for a reason.
    Ignores,
}

impl CheckName {
    /// The name in all formats.
    pub fn name(self) -> &'static str {
        match self {
            CheckName::Parse => "parse",
            CheckName::Apply => "apply",
            CheckName::Extensions => "extensions",
            CheckName::Indexes => "indexes",
            CheckName::Converge => "converge",
            CheckName::Heal => "heal",
            CheckName::Views => "views",
            CheckName::Plans => "plans",
            CheckName::Down => "down",
            CheckName::Locks => "locks",
            CheckName::Lint => "lint",
            CheckName::Ignores => "ignores",
        }
    }
}

/// A server that was verified on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedOn {
    pub version: String,
    /// The folder of its programs, where it was ours.
    pub folder: Option<PathBuf>,
    /// How long it took to make it, where it was ours.
    pub start_up: Option<Duration>,
}
