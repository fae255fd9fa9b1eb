//! What a step is about, of whichever job: what its planner has decided, and its work has to know.

use std::fmt;

use crate::declared::{DeclaredComment, DeclaredIndex, DeclaredMaintenance, DeclaredView};
use crate::facts::Oid;
use crate::pg::name::RelationName;

/// What a step is about.
#[derive(Debug, Clone)]
pub enum Subject {
    Index(DeclaredIndex),
    /// A declared materialized view.
    View(DeclaredView),
    Comment(DeclaredComment),
    /// A declared ANALYZE or VACUUM.
    Maintenance(DeclaredMaintenance),
    /// A materialized view to be refreshed.
    Refresh(Refresh),
    /// A table to be vacuumed or analyzed.
    TableMaintenance(MaintenanceTarget),
    /// An index to be rebuilt, or what a rebuild has left.
    Rebuild(Rebuild),
}

/// How one view is refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// REFRESH MATERIALIZED VIEW CONCURRENTLY.
    Concurrent,
    /// REFRESH MATERIALIZED VIEW.
    Plain,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Way::Concurrent => "concurrent",
            Way::Plain => "plain",
        })
    }
}

/// A view to be refreshed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refresh {
    pub view: Oid,
    pub way: Way,
    /// The views of the plan that it reads.
    pub needs: Vec<RelationName>,
}

/// A table to be vacuumed, analyzed or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaintenanceTarget {
    pub table: Oid,
    pub vacuum: bool,
    pub analyze: bool,
}

/// An index to be rebuilt.
#[derive(Debug, Clone, PartialEq)]
pub struct Rebuild {
    pub index: Oid,
    pub table: Oid,
    /// Where it is stored; `None`: in the database's own tablespace.
    pub tablespace: Option<String>,
    /// Bytes that it has.
    pub size_bytes: i64,
    /// How many times larger it is than a fresh one; `None`: not known.
    pub bloat: Option<f64>,
}
