//! What the user decided about the plan of `pgtend apply`.

use glob::Pattern;

use crate::pg::name::RelationName;
use crate::work::plan::{Step, Subject};

/// What the user decided.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Indexes that an existing one makes superfluous are left out.
    pub skip_redundant: bool,
    /// Drifted indexes are replaced.
    pub replace: bool,
    /// Only objects that it lets through.
    pub filter: Filter,
}

/// Which objects the user wants; nothing given means all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Patterns for index names.
    pub indexes: Vec<Pattern>,
    /// Tables and views, with or without schema.
    pub tables: Vec<RelationName>,
}

impl Filter {
    /// Whether nothing is kept out.
    pub fn is_everything(&self) -> bool {
        self.indexes.is_empty() && self.tables.is_empty()
    }

    /// Whether the user wants the step.
    pub fn lets_through(&self, step: &Step) -> bool {
        let table = step.on.as_ref().unwrap_or(&step.object);
        let by_table = self.tables.is_empty()
            || self.tables.iter().any(|wanted| {
                wanted.name == table.name
                    && (wanted.schema.is_none() || wanted.schema == table.schema)
            });
        let is_index = matches!(step.subject, Subject::Index(_));
        let by_index = self.indexes.is_empty()
            || is_index && self.indexes.iter().any(|wanted| wanted.matches(&step.object.name));
        by_table && by_index
    }
}
