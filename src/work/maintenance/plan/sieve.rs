//! Which tables are kept in memory while those of a database are read: of very many, most are not due.

use std::collections::{BTreeSet, HashMap};

use super::{MaintenanceOptions, MaintenancePlanner, TableSelection, is_excluded};
use crate::did_you_mean;
use crate::facts::{AutovacuumSettings, RelationKind, TableState};
use crate::failure::{Failure, Result};

/// Decides of each table as it is read whether it has to be kept. A database may have very many, of which
/// few are due.
pub struct Sieve<'o> {
    options: &'o MaintenanceOptions,
    /// So many tables that are not due are kept, because each is told.
    told: usize,
    kept: usize,
    not_due: usize,
    /// Of the patterns of schemas those that no table was in, and the schemas that there are.
    unmatched: Vec<glob::Pattern>,
    schemas: BTreeSet<String>,
}

impl<'o> Sieve<'o> {
    /// Keeps so many of those that are not due.
    pub fn new(options: &'o MaintenanceOptions, told: usize) -> Self {
        Sieve {
            options,
            told,
            kept: 0,
            not_due: 0,
            unmatched: options.schemas.clone(),
            schemas: BTreeSet::new(),
        }
    }

    /// Whether the table has to be kept under these settings.
    pub fn keeps(&mut self, settings: &AutovacuumSettings, table: &TableState) -> bool {
        self.notes(table.name.schema.as_deref().unwrap_or_default());
        // What is named has to be found, and partitions count for their parents.
        let matters = !self.options.only_needed
            || !matches!(self.options.selection, TableSelection::All)
            || table.parent.is_some()
            || table.kind == RelationKind::PartitionedTable;
        if matters {
            return true;
        }
        if is_excluded(table, self.options) {
            return false;
        }
        let parts = HashMap::new();
        let planner = MaintenancePlanner {
            settings,
            past: None,
            options: self.options,
            table,
            columns: &[],
            parts: &parts,
        };
        if !planner.is_left_out() {
            return true;
        }
        self.kept += 1;
        self.not_due += usize::from(self.kept > self.told);
        self.kept <= self.told
    }

    fn notes(&mut self, schema: &str) {
        if !self.schemas.contains(schema) {
            self.unmatched.retain(|pattern| !pattern.matches(schema));
            self.schemas.insert(schema.to_owned());
        }
    }

    /// Refuses a pattern of schemas that no table is in: a mistyped one would be nothing to do.
    ///
    /// # Errors
    /// `Usage`.
    pub fn require_schemas(&self) -> Result<()> {
        let Some(pattern) = self.unmatched.first() else {
            return Ok(());
        };
        let schemas = self.schemas.iter().cloned().collect::<Vec<_>>();
        let hint = did_you_mean::hint(pattern.as_str(), &schemas, "the database has no tables");
        Err(Failure::usage(format!("--schema {pattern}: no table is in such a schema")).hint(hint))
    }

    /// How many were not kept because they are not due.
    pub fn not_due(&self) -> usize {
        self.not_due
    }
}
