//! Statements that work in several transactions, and so cannot be taken back.

use squawk_syntax::ast::{AlterTable, AlterTableAction, DetachPartitionOption, Stmt};

/// A statement that commits in between. REFRESH MATERIALIZED VIEW CONCURRENTLY is none: it works in
/// one transaction, may stand in one, and leaves nothing behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concurrent {
    /// CREATE INDEX CONCURRENTLY.
    CreateIndex,
    /// DROP INDEX CONCURRENTLY.
    DropIndex,
    /// REINDEX with CONCURRENTLY.
    Reindex,
    /// ALTER TABLE with DETACH PARTITION CONCURRENTLY.
    Detach,
}

impl Concurrent {
    /// What the statement is, if it is one of them.
    pub fn of(statement: &Stmt) -> Option<Concurrent> {
        match statement {
            Stmt::CreateIndex(create) if create.concurrently_token().is_some() => {
                Some(Concurrent::CreateIndex)
            }
            Stmt::DropIndex(drop) if drop.concurrently_token().is_some() => {
                Some(Concurrent::DropIndex)
            }
            Stmt::Reindex(reindex) if reindex.is_concurrently() => Some(Concurrent::Reindex),
            Stmt::AlterTable(alter) if detaches(alter) => Some(Concurrent::Detach),
            _ => None,
        }
    }

    /// As it is written.
    pub fn words(self) -> &'static str {
        match self {
            Concurrent::CreateIndex => "CREATE INDEX CONCURRENTLY",
            Concurrent::DropIndex => "DROP INDEX CONCURRENTLY",
            Concurrent::Reindex => "REINDEX CONCURRENTLY",
            Concurrent::Detach => "DETACH PARTITION CONCURRENTLY",
        }
    }

    /// What is there when it was ended half-way.
    pub fn leaves(self) -> &'static str {
        match self {
            Concurrent::CreateIndex | Concurrent::DropIndex => "an invalid index",
            Concurrent::Reindex => "invalid indexes whose names end in _ccnew or _ccold",
            Concurrent::Detach => "a partition that is neither attached nor detached",
        }
    }
}

fn detaches(alter: &AlterTable) -> bool {
    alter.actions().any(|action| match action {
        AlterTableAction::DetachPartition(detach) => matches!(
            detach.detach_partition_option(),
            Some(DetachPartitionOption::DetachConcurrently(_))
        ),
        _ => false,
    })
}
