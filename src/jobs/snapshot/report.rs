//! What `snapshot` shows.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::run::{Measures, Taken};
use crate::facts::Known;
use crate::facts::measures::MeasureCounts;
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
        self.taken.as_ref().map(Taken::warnings).unwrap_or_default()
    }
}

impl Taken {
    fn counts(&self) -> Option<MeasureCounts> {
        match self.measures {
            Measures::Kept { counts, .. } => Some(counts),
            Measures::NotWanted | Measures::NoPlace(_) => None,
        }
    }

    /// Sequences that the role may not read, where that is known.
    fn hidden_sequences(&self) -> Option<i64> {
        match &self.measures {
            Measures::Kept { hidden_sequences, .. } => hidden_sequences.known().copied(),
            Measures::NotWanted | Measures::NoPlace(_) => None,
        }
    }

    fn warnings(&self) -> Vec<Warning> {
        let warning =
            |rule, object: &str, message| Warning { rule, object: object.to_owned(), message };
        let unreadable = self
            .unreadable
            .clone()
            .map(|message| warning("texts_not_readable", "pg_stat_statements", message));
        let of_measures = match &self.measures {
            Measures::NoPlace(version) => Some(warning(
                "measures-not-kept",
                "pgtend",
                format!(
                    "sizes, ages and counts are not kept: the schema pgtend is of version {version}; \
                     pgtend init upgrades it"
                ),
            )),
            Measures::Kept { hidden_sequences: Known::Unavailable(why), .. } => Some(warning(
                "sequences-not-read",
                "pg_sequence",
                format!("the values of sequences are left as they were: {why}"),
            )),
            Measures::Kept { .. } | Measures::NotWanted => None,
        };
        unreadable.into_iter().chain(of_measures).collect()
    }

    fn narrate(&self, file: Option<&Path>, text: &mut Text) {
        let statements = usize::try_from(self.statements).unwrap_or(0);
        let statements = format::count(statements, "statement", "statements");
        let changed = format::whole(self.changed);
        let measures = self.counts().map(|MeasureCounts { measures, changed }| {
            let (measures, changed) = (format::whole(measures), format::whole(changed));
            format!("{measures} sizes, ages and counts, {changed} changed")
        });
        text.narrate(match (self.id, file, measures) {
            (Some(id), _, None) => {
                format!("Snapshot {id}: {statements}, {changed} changed since the last.")
            }
            (Some(id), _, Some(measures)) if self.uncounted.is_some() => {
                format!("Snapshot {id}: {measures} since the last.")
            }
            (Some(id), _, Some(measures)) => {
                format!(
                    "Snapshot {id}: {statements}, {changed} changed; {measures} since the last."
                )
            }
            (None, Some(file), _) => format!("Wrote {statements} to {}.", file.display()),
            (None, None, _) => format!("{statements}."),
        });
        if let Some(why) = &self.uncounted {
            text.narrate(format!("It has no statements: {why}"));
        }
    }

    fn tell_hidden(&self, text: &mut Text) {
        if let hidden @ 1.. = self.hidden {
            text.warn(format!(
                "{hidden} statements of other roles are hidden from this one, and are not part of \
                 it (GRANT pg_read_all_stats) [limited_view]"
            ));
        }
        if let Some(hidden @ 1..) = self.hidden_sequences() {
            let sequences = usize::try_from(hidden).unwrap_or(0);
            text.warn(format!(
                "this role cannot read {}: the snapshot lacks what it may not see (GRANT \
                 pg_read_all_data, or SELECT on each sequence) [limited_view]",
                format::count(sequences, "sequence", "sequences")
            ));
        }
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
            statements: taken.uncounted.is_none().then_some(taken.statements),
            changed: taken.uncounted.is_none().then_some(taken.changed),
            hidden: taken.hidden,
            statements_reason: taken.uncounted.as_ref().map(ToString::to_string),
            measures: taken.counts().map(|counts| counts.measures),
            measures_changed: taken.counts().map(|counts| counts.changed),
            hidden_sequences: taken.hidden_sequences(),
        });
        let body = TakenDocument { pruned: self.pruned, snapshot };
        head.document(self.outcome(), body, &self.warnings())
    }

    fn text(&self, style: &Style) -> Text {
        let mut text = Text::default();
        if let Some(taken) = &self.taken {
            taken.narrate(self.file.as_deref(), &mut text);
        }
        text.warnings(&self.warnings(), style);
        if let Some(taken) = &self.taken {
            taken.tell_hidden(&mut text);
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
            statements: snapshot.counted.map(|counted| counted.statements),
            changed: snapshot.counted.map(|counted| counted.changed),
            hidden: snapshot.moment.hidden,
            statements_reason: None,
            measures: None,
            measures_changed: None,
            hidden_sequences: None,
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
    let number = |known: Option<i64>| known.map_or_else(|| "-".to_owned(), |it| it.to_string());
    let mut table = table(&["id", "taken at", "ago", "statements", "changed"]);
    for snapshot in snapshots {
        table.add_row(vec![
            right(snapshot.id),
            cell(&snapshot.shown_at),
            right(format::duration(snapshot.ago)),
            right(number(snapshot.counted.map(|counted| counted.statements))),
            right(number(snapshot.counted.map(|counted| counted.changed))),
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

/// A snapshot.
#[derive(Debug, Clone, Serialize)]
struct SnapshotDocument {
    /// Its number; null in a file.
    id: Option<i64>,
    /// The file that holds it; null in the database.
    file: Option<String>,
    /// When it was taken, UTC; null for the one that was just taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    taken_at: Option<String>,
    /// Statements that were counted; null where the server counted none.
    statements: Option<i64>,
    /// How many of them had changed since the one before.
    changed: Option<i64>,
    /// Statements of others that the role could not see.
    hidden: i64,
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    statements_reason: Option<String>,
    /// Sizes, ages and counts that were taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    measures: Option<i64>,
    /// How many of them had changed since the one before.
    #[serde(skip_serializing_if = "Option::is_none")]
    measures_changed: Option<i64>,
    /// Sequences that the role could not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden_sequences: Option<i64>,
}
