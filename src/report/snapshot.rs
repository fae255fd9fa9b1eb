//! What `snapshot` shows.

use std::path::Path;

use super::document::{Outcome, SnapshotDocument};
use super::table::{cell, right, table, text};
use super::{Console, Format, statements};
use crate::catalog::statements::Snapshot;
use crate::execute::snapshot::Taken;
use crate::figures;
use crate::plan::Warning;

/// Shows what was taken and removed.
pub fn taken(console: &Console, taken: Option<&Taken>, file: Option<&Path>, pruned: Option<i64>) {
    let unreadable = taken.and_then(|taken| taken.unreadable.clone()).map(|message| Warning {
        rule: "texts_not_readable",
        object: "pg_stat_statements".to_owned(),
        message,
    });
    let warnings = unreadable.into_iter().collect::<Vec<_>>();
    if console.manner().format == Format::Json {
        let mut document = console.document().with_warnings(&warnings);
        document.outcome = match (taken, pruned) {
            (None, None | Some(0)) => Outcome::NothingToDo,
            _ => Outcome::Done,
        };
        document.pruned = pruned;
        document.snapshot = taken.map(|taken| SnapshotDocument {
            id: taken.id,
            file: file.map(|file| file.display().to_string()),
            taken_at: None,
            statements: taken.statements,
            changed: taken.changed,
            hidden: taken.hidden,
        });
        return console.json(&document);
    }
    if let Some(taken) = taken {
        let statements = usize::try_from(taken.statements).unwrap_or(0);
        let statements = figures::count(statements, "statement", "statements");
        console.narrate(&match (taken.id, file) {
            (Some(id), _) => {
                format!("Snapshot {id}: {statements}, {} changed since the last.", taken.changed)
            }
            (None, Some(file)) => format!("Wrote {statements} to {}.", file.display()),
            (None, None) => format!("{statements}."),
        });
    }
    console.warnings(&warnings);
    if let Some(hidden) = taken.map(|taken| taken.hidden).filter(|hidden| *hidden > 0) {
        console.warn(&format!(
            "{hidden} statements of other roles are hidden from this one, and are not part of it \
             (GRANT pg_read_all_stats) [limited_view]"
        ));
    }
    if let Some(pruned) = pruned.filter(|pruned| *pruned > 0 || taken.is_none()) {
        let pruned = usize::try_from(pruned).unwrap_or(0);
        console.narrate(&format!("Removed {}.", figures::count(pruned, "snapshot", "snapshots")));
    }
}

/// Shows the snapshots that there are.
pub fn list(console: &Console, snapshots: &[Snapshot]) {
    if console.manner().format == Format::Json {
        let mut document = console.document();
        document.outcome = Outcome::Done;
        let documents = snapshots.iter().map(|snapshot| SnapshotDocument {
            id: Some(snapshot.id),
            file: None,
            taken_at: Some(statements::time(snapshot.moment.taken_epoch)),
            statements: snapshot.statements,
            changed: snapshot.changed,
            hidden: snapshot.moment.hidden,
        });
        document.snapshots = Some(documents.collect());
        return console.json(&document);
    }
    if snapshots.is_empty() {
        return console.narrate("No snapshot was taken yet.");
    }
    let mut table = table(&["id", "taken at", "ago", "statements", "changed"]);
    for snapshot in snapshots {
        table.add_row(vec![
            right(snapshot.id),
            cell(&snapshot.shown_at),
            right(figures::duration(snapshot.ago)),
            right(snapshot.statements),
            right(snapshot.changed),
        ]);
    }
    console.product(&text(&table));
}
