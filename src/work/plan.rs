//! Plans: what is to be done to make a database match a declaration, as data. Planners are pure:
//! they are given facts and no connection, so a plan can be shown, compared and tested.

use super::reason::Reason;
use std::fmt;
use std::time::Duration;

pub use super::statement::{Statement, drop};
pub use super::subject::Subject;

use crate::declared::Source;
use crate::facts::Build;
use crate::pg::name::RelationName;
use crate::warning::Warning;

/// A plan: every declared object is a step, also those with nothing to do.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// In the order of the files.
    pub steps: Vec<Step>,
    /// What the reader should know besides.
    pub warnings: Vec<Warning>,
    /// So many more have nothing to do, and no step.
    pub not_due: usize,
}

impl Plan {
    /// Whether `apply` would change anything.
    pub fn has_work(&self) -> bool {
        self.steps.iter().any(|step| step.verdict == Verdict::ToDo)
    }

    /// Whether everything is as declared: nothing to do and nothing that needs a person.
    pub fn is_as_declared(&self) -> bool {
        self.steps
            .iter()
            .all(|step| matches!(step.verdict, Verdict::AsDeclared | Verdict::LeftOut))
    }
}

/// One declared object and what is to be done about it.
#[derive(Debug, Clone)]
pub struct Step {
    /// What kind of work it is.
    pub action: Action,
    /// The object, schema-qualified.
    pub object: RelationName,
    /// The table or view that an index is on.
    pub on: Option<RelationName>,
    /// Whether there is something to do.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// The strongest lock that the work takes on something that the application uses.
    pub lock: Option<Lock>,
    /// About how large the new object will be.
    pub estimated_bytes: Option<i64>,
    /// Bytes of the table: the measure of how long the work takes.
    pub table_bytes: i64,
    /// How long it usually takes, by the history.
    pub usual_duration: Option<Duration>,
    /// What is sent, in this order.
    pub statements: Vec<Statement>,
    /// Somebody's build on the table, which has to end first.
    pub busy: Option<Build>,
    /// The work is only needed if this run really changes that relation.
    pub only_if_changed: Option<RelationName>,
    /// The index that is the declared one under another name.
    pub found_as: Option<RelationName>,
    /// The declared index in whose step this one is made, because it is a part of it.
    pub part_of: Option<RelationName>,
    /// What is declared, with names resolved.
    pub subject: Subject,
}

impl Step {
    /// A step that has nothing to do and says nothing yet.
    pub fn new(action: Action, object: RelationName, subject: Subject) -> Self {
        Step {
            action,
            object,
            on: None,
            verdict: Verdict::AsDeclared,
            reason: Reason::default(),
            lock: None,
            estimated_bytes: None,
            table_bytes: 0,
            usual_duration: None,
            statements: Vec::new(),
            busy: None,
            only_if_changed: None,
            found_as: None,
            part_of: None,
            subject,
        }
    }

    /// Where the object is declared, where the work comes from a declaration.
    pub fn source(&self) -> Option<&Source> {
        match &self.subject {
            Subject::Index(index) => Some(&index.source),
            Subject::View(view) => Some(&view.source),
            Subject::Comment(comment) => Some(&comment.source),
            Subject::Maintenance(maintenance) => Some(&maintenance.source),
            Subject::Refresh(_) | Subject::TableMaintenance(_) | Subject::Rebuild(_) => None,
        }
    }
}

/// What stands for the name of an index that has none yet.
pub const UNNAMED: &str = "(unnamed)";

/// The kinds of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A missing index is built.
    BuildIndex,
    /// An invalid index is dropped and built, or rebuilt in place.
    HealIndex,
    /// A drifted index is replaced.
    ReplaceIndex,
    /// Somebody's build of the declared index is watched to its end.
    WatchBuild,
    /// What an interrupted replacement left is dropped.
    DropLeftover,
    /// A missing materialized view is created.
    CreateView,
    /// A comment is set.
    Comment,
    Analyze,
    Vacuum,
    /// A materialized view is refreshed.
    RefreshView,
    /// An index is rebuilt in place, because it is bloated or asked for.
    Reindex,
}

impl Action {
    /// Every kind.
    pub const ALL: [Action; 11] = [
        Action::BuildIndex,
        Action::HealIndex,
        Action::ReplaceIndex,
        Action::WatchBuild,
        Action::DropLeftover,
        Action::CreateView,
        Action::Comment,
        Action::Analyze,
        Action::Vacuum,
        Action::RefreshView,
        Action::Reindex,
    ];

    /// The name in JSON documents.
    pub fn name(self) -> &'static str {
        match self {
            Action::BuildIndex => "build_index",
            Action::HealIndex => "heal_index",
            Action::ReplaceIndex => "replace_index",
            Action::WatchBuild => "watch_build",
            Action::DropLeftover => "drop_leftover",
            Action::CreateView => "create_view",
            Action::Comment => "comment",
            Action::Analyze => "analyze",
            Action::Vacuum => "vacuum",
            Action::RefreshView => "refresh_view",
            Action::Reindex => "reindex",
        }
    }

    /// As people say it.
    pub fn words(self) -> &'static str {
        match self {
            Action::BuildIndex => "build index",
            Action::HealIndex => "rebuild index",
            Action::ReplaceIndex => "replace index",
            Action::WatchBuild => "watch build",
            Action::DropLeftover => "remove leftover",
            Action::CreateView => "create view",
            Action::Comment => "comment",
            Action::Analyze => "analyze",
            Action::Vacuum => "vacuum",
            Action::RefreshView => "refresh",
            Action::Reindex => "reindex",
        }
    }
}

/// What a plan says of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// `apply` changes it.
    ToDo,
    /// It is as declared.
    AsDeclared,
    /// It is left out on the user's word, or because it is not needed now.
    LeftOut,
    /// It is not as declared, and a person has to decide.
    Refused,
}

impl Verdict {
    /// Whether there is nothing to do, for the program or for a person.
    pub fn is_settled(self) -> bool {
        matches!(self, Verdict::AsDeclared | Verdict::LeftOut)
    }
}

/// Lock modes, by PostgreSQL's names (documentation, 13.3.1), the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockMode {
    /// Conflicts with dropping and rewriting only.
    AccessShare,
    /// Of SELECT … FOR UPDATE and the like, and of a foreign key's other side.
    RowShare,
    /// Of INSERT, UPDATE and DELETE.
    RowExclusive,
    /// Lets reads and writes go on; conflicts with VACUUM, ANALYZE, other builds and DDL.
    ShareUpdateExclusive,
    /// Lets reads go on, writes wait.
    Share,
    /// Lets reads go on, writes wait, also other holders of this mode.
    ShareRowExclusive,
    /// Lets reads go on, and conflicts with all else.
    Exclusive,
    /// Reads wait too.
    AccessExclusive,
}

/// The strongest lock of a step and what it is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    pub mode: LockMode,
    /// The relation, or what stands for several.
    pub on: String,
}

impl Lock {
    pub fn access_exclusive(on: &RelationName) -> Option<Lock> {
        Some(Lock { mode: LockMode::AccessExclusive, on: on.to_string() })
    }

    pub fn share_update_exclusive(on: &RelationName) -> Option<Lock> {
        Some(Lock { mode: LockMode::ShareUpdateExclusive, on: on.to_string() })
    }
}

impl LockMode {
    const ALL: [LockMode; 8] = [
        LockMode::AccessShare,
        LockMode::RowShare,
        LockMode::RowExclusive,
        LockMode::ShareUpdateExclusive,
        LockMode::Share,
        LockMode::ShareRowExclusive,
        LockMode::Exclusive,
        LockMode::AccessExclusive,
    ];

    /// The mode that pg_locks names, as in `AccessShareLock`.
    pub fn from_pg_locks(mode: &str) -> Option<Self> {
        let name = mode.strip_suffix("Lock")?;
        LockMode::ALL.into_iter().find(|known| known.to_string() == name)
    }
}

impl fmt::Display for LockMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LockMode::AccessShare => "AccessShare",
            LockMode::RowShare => "RowShare",
            LockMode::RowExclusive => "RowExclusive",
            LockMode::ShareUpdateExclusive => "ShareUpdateExclusive",
            LockMode::Share => "Share",
            LockMode::ShareRowExclusive => "ShareRowExclusive",
            LockMode::Exclusive => "Exclusive",
            LockMode::AccessExclusive => "AccessExclusive",
        })
    }
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.mode, self.on)
    }
}

/// The build as a person knows it: pid, application, for how long.
pub fn describe(build: &Build) -> String {
    let mut words = format!("pid {}", build.pid);
    if let Some(application) = build.application.as_deref().filter(|name| !name.is_empty()) {
        words.push_str(&format!(" ({application})"));
    }
    if let Some(seconds) = build.since_seconds {
        let since = std::time::Duration::from_secs(seconds.max(0.0) as u64);
        words.push_str(&format!(", for {}", humantime::format_duration(since)));
    }
    words
}

/// SQL text on one line, cut to `width` characters.
pub fn one_line(sql: &str, width: usize) -> String {
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= width {
        return line;
    }
    let cut = line.chars().take(width.saturating_sub(1)).collect::<String>();
    format!("{cut}…")
}
