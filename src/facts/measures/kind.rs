//! The kinds of measures. Their names stand in the database and are never renamed.

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MeasureKind {
    /// A table or materialized view with its TOAST table, at the last VACUUM or ANALYZE.
    TableBytes,
    /// Rows, at the last VACUUM or ANALYZE.
    TableRows,
    DeadRows,
    RowsInserted,
    RowsUpdated,
    RowsDeleted,
    /// An index, at the last VACUUM or build.
    IndexBytes,
    IndexScans,
    SequenceValue,
    /// A constraint that was never validated; the value is 1.
    ConstraintNotValid,
    /// Of the tables whose rows are the oldest: the position up to which they are frozen.
    TableFrozenXid,
    TableMinMultixact,
    /// Of all databases: the position up to which they are frozen.
    DatabaseFrozenXid,
    DatabaseMinMultixact,
    /// Transaction ids that were ever given out.
    NextXid,
    /// Modulo 2^32: when it begins again at 0, that is a reset.
    NextMultixact,
    /// Bytes since the beginning of WAL.
    WalPosition,
    /// Up to there a replication slot needs no WAL any more.
    SlotPosition,
    WalArchived,
    ArchiveFailures,
    CheckpointsTimed,
    CheckpointsRequested,
    Deadlocks,
    /// Bytes of temporary files that were written.
    TempBytes,
    /// Sessions that have begun.
    Sessions,
    /// What autovacuum has spent on the tables of this database, in ms; from 18 on.
    AutovacuumMs,
}

impl MeasureKind {
    pub const ALL: [MeasureKind; 26] = [
        MeasureKind::TableBytes,
        MeasureKind::TableRows,
        MeasureKind::DeadRows,
        MeasureKind::RowsInserted,
        MeasureKind::RowsUpdated,
        MeasureKind::RowsDeleted,
        MeasureKind::IndexBytes,
        MeasureKind::IndexScans,
        MeasureKind::SequenceValue,
        MeasureKind::ConstraintNotValid,
        MeasureKind::TableFrozenXid,
        MeasureKind::TableMinMultixact,
        MeasureKind::DatabaseFrozenXid,
        MeasureKind::DatabaseMinMultixact,
        MeasureKind::NextXid,
        MeasureKind::NextMultixact,
        MeasureKind::WalPosition,
        MeasureKind::SlotPosition,
        MeasureKind::WalArchived,
        MeasureKind::ArchiveFailures,
        MeasureKind::CheckpointsTimed,
        MeasureKind::CheckpointsRequested,
        MeasureKind::Deadlocks,
        MeasureKind::TempBytes,
        MeasureKind::Sessions,
        MeasureKind::AutovacuumMs,
    ];

    /// Its name in the database.
    pub fn name(self) -> &'static str {
        match self {
            MeasureKind::TableBytes => "table_bytes",
            MeasureKind::TableRows => "table_rows",
            MeasureKind::DeadRows => "dead_rows",
            MeasureKind::RowsInserted => "rows_inserted",
            MeasureKind::RowsUpdated => "rows_updated",
            MeasureKind::RowsDeleted => "rows_deleted",
            MeasureKind::IndexBytes => "index_bytes",
            MeasureKind::IndexScans => "index_scans",
            MeasureKind::SequenceValue => "sequence_value",
            MeasureKind::ConstraintNotValid => "constraint_not_valid",
            MeasureKind::TableFrozenXid => "table_frozen_xid",
            MeasureKind::TableMinMultixact => "table_min_multixact",
            MeasureKind::DatabaseFrozenXid => "database_frozen_xid",
            MeasureKind::DatabaseMinMultixact => "database_min_multixact",
            MeasureKind::NextXid => "next_xid",
            MeasureKind::NextMultixact => "next_multixact",
            MeasureKind::WalPosition => "wal_position",
            MeasureKind::SlotPosition => "slot_position",
            MeasureKind::WalArchived => "wal_archived",
            MeasureKind::ArchiveFailures => "archive_failures",
            MeasureKind::CheckpointsTimed => "checkpoints_timed",
            MeasureKind::CheckpointsRequested => "checkpoints_requested",
            MeasureKind::Deadlocks => "deadlocks",
            MeasureKind::TempBytes => "temp_bytes",
            MeasureKind::Sessions => "sessions",
            MeasureKind::AutovacuumMs => "autovacuum_ms",
        }
    }

    /// The kind of that name; `None` for one that another pgtend has kept.
    pub fn named(name: &str) -> Option<MeasureKind> {
        MeasureKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it falls by a reset only. A sequence may count downwards.
    pub fn only_grows(self) -> bool {
        !matches!(
            self,
            MeasureKind::TableBytes
                | MeasureKind::TableRows
                | MeasureKind::DeadRows
                | MeasureKind::IndexBytes
                | MeasureKind::SequenceValue
                | MeasureKind::ConstraintNotValid
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the queries measure.
    const QUERIES: [&str; 4] = [
        include_str!("../../../sql/measures/readings.sql"),
        include_str!("../../../sql/measures/checkpoints.sql"),
        include_str!("../../../sql/measures/checkpoints_17.sql"),
        include_str!("../../../sql/measures/autovacuum_18.sql"),
    ];

    #[test]
    fn each_kind_is_measured_and_read_by_its_name() {
        for kind in MeasureKind::ALL {
            let quoted = format!("'{}'", kind.name());
            assert!(QUERIES.iter().any(|sql| sql.contains(&quoted)), "{quoted}");
            assert_eq!(MeasureKind::named(kind.name()), Some(kind));
        }
        assert_eq!(MeasureKind::named("mood"), None);
    }
}
