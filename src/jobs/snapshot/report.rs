//! What `snapshot` shows.

use std::path::PathBuf;

use serde::Serialize;

use super::run::Taken;
use crate::facts::statements::Snapshot;
use crate::format;
use crate::output::table::{cell, right, table, text};
use crate::output::{Head, Outcome, Report, Style, Text};
use crate::warning::Warning;

/// What was taken and removed.
#[derive(Debug)]
pub struct SnapshotReport {
    /// The snapshot; `None` where none was to be taken.
    pub taken: Option<Taken>,
    /// The file that holds it; `None` where the database does.
    pub file: Option<PathBuf>,
    /// How many old ones were removed; `None` where that was not asked for.
    pub pruned: Option<i64>,
}

impl SnapshotReport {
    fn warnings(&self) -> Vec<Warning> {
        let unreadable = self.taken.as_ref().and_then(|taken| taken.unreadable.clone());
        let object = "pg_stat_statements".to_owned();
        let warning = |message| Warning { rule: "texts_not_readable", object, message };
        unreadable.map(warning).into_iter().collect()
    }
}

impl Report for SnapshotReport {
    fn outcome(&self) -> Outcome {
        match (&self.taken, self.pruned) {
            (None, None | Some(0)) => Outcome::NothingToDo,
            _ => Outcome::Done,
        }
    }

    fn json(&self, head: Head) -> String {
        let snapshot = self.taken.as_ref().map(|taken| SnapshotDocument {
            id: taken.id,
            file: self.file.as_ref().map(|file| file.display().to_string()),
            taken_at: None,
            statements: taken.statements,
            changed: taken.changed,
            hidden: taken.hidden,
        });
        let body = TakenDocument { pruned: self.pruned, snapshot };
        head.document(self.outcome(), body, &self.warnings())
    }

    fn text(&self, style: &Style) -> Text {
        let mut text = Text::default();
        if let Some(taken) = &self.taken {
            let statements = usize::try_from(taken.statements).unwrap_or(0);
            let statements = format::count(statements, "statement", "statements");
            let changed = taken.changed;
            text.narrate(match (taken.id, &self.file) {
                (Some(id), _) => {
                    format!("Snapshot {id}: {statements}, {changed} changed since the last.")
                }
                (None, Some(file)) => format!("Wrote {statements} to {}.", file.display()),
                (None, None) => format!("{statements}."),
            });
        }
        text.warnings(&self.warnings(), style);
        let hidden = self.taken.as_ref().map(|taken| taken.hidden);
        if let Some(hidden @ 1..) = hidden {
            text.warn(format!(
                "{hidden} statements of other roles are hidden from this one, and are not part of \
                 it (GRANT pg_read_all_stats) [limited_view]"
            ));
        }
        if let Some(pruned) = self.pruned.filter(|pruned| *pruned > 0 || self.taken.is_none()) {
            let pruned = usize::try_from(pruned).unwrap_or(0);
            text.narrate(format!("Removed {}.", format::count(pruned, "snapshot", "snapshots")));
        }
        text
    }
}

/// The snapshots that there are.
#[derive(Debug)]
pub struct SnapshotsReport {
    /// The newest first.
    pub snapshots: Vec<Snapshot>,
}

impl Report for SnapshotsReport {
    fn outcome(&self) -> Outcome {
        Outcome::Done
    }

    fn json(&self, head: Head) -> String {
        let snapshots = self.snapshots.iter().map(|snapshot| SnapshotDocument {
            id: Some(snapshot.id),
            file: None,
            taken_at: Some(format::moment(snapshot.moment.taken_epoch)),
            statements: snapshot.statements,
            changed: snapshot.changed,
            hidden: snapshot.moment.hidden,
        });
        let body = SnapshotsDocument { snapshots: snapshots.collect() };
        head.document(self.outcome(), body, &[])
    }

    fn text(&self, _: &Style) -> Text {
        let mut text = Text::default();
        match self.snapshots.as_slice() {
            [] => text.narrate("No snapshot was taken yet."),
            snapshots => text.product(snapshots_table(snapshots)),
        }
        text
    }
}

fn snapshots_table(snapshots: &[Snapshot]) -> String {
    let mut table = table(&["id", "taken at", "ago", "statements", "changed"]);
    for snapshot in snapshots {
        table.add_row(vec![
            right(snapshot.id),
            cell(&snapshot.shown_at),
            right(format::duration(snapshot.ago)),
            right(snapshot.statements),
            right(snapshot.changed),
        ]);
    }
    text(&table)
}

#[derive(Debug, Serialize)]
struct TakenDocument {
    #[serde(skip_serializing_if = "Option::is_none")]
    pruned: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<SnapshotDocument>,
}

#[derive(Debug, Serialize)]
struct SnapshotsDocument {
    snapshots: Vec<SnapshotDocument>,
}

/// A snapshot of the statements' counters.
#[derive(Debug, Clone, Serialize)]
struct SnapshotDocument {
    /// Its number; null in a file.
    id: Option<i64>,
    /// The file that holds it; null in the database.
    file: Option<String>,
    /// When it was taken, UTC; null for the one that was just taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    taken_at: Option<String>,
    /// Statements that were counted.
    statements: i64,
    /// How many of them had changed since the one before.
    changed: i64,
    /// Statements of others that the role could not see.
    hidden: i64,
}
