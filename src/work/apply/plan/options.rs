//! What the user decided about the plan of `pgtend apply`.

use std::collections::BTreeSet;

use glob::Pattern;

use crate::did_you_mean;
use crate::failure::{Failure, Result};
use crate::pg::name::RelationName;
use crate::work::plan::{Step, Subject};

/// What the user decided.
#[derive(Debug, Clone, Default)]
pub struct ApplyOptions {
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
    /// The schema that all is about; what nobody declares elsewhere is not told of.
    pub schema: Option<String>,
}

impl Filter {
    /// Whether nothing is kept out.
    pub fn is_everything(&self) -> bool {
        self.indexes.is_empty() && self.tables.is_empty()
    }

    /// Whether the user wants the step.
    pub fn lets_through(&self, step: &Step) -> bool {
        let by_table =
            self.tables.is_empty() || self.tables.iter().any(|wanted| is_on(step, wanted));
        let by_index =
            self.indexes.is_empty() || self.indexes.iter().any(|wanted| is_index(step, wanted));
        by_table && by_index
    }

    /// Whether the user wants to hear of that index.
    pub fn wants_index(&self, index: &RelationName, table: &RelationName) -> bool {
        let by_index = self.indexes.is_empty()
            || self.indexes.iter().any(|wanted| wanted.matches(&index.name));
        by_index && self.wants_table(table)
    }

    /// Whether the user wants to hear of that view.
    pub fn wants_view(&self, view: &RelationName) -> bool {
        self.indexes.is_empty() && self.wants_table(view)
    }

    /// Whether that schema is meant.
    pub fn wants_schema_of(&self, relation: &RelationName) -> bool {
        self.schema.is_none() || self.schema == relation.schema
    }

    fn wants_table(&self, table: &RelationName) -> bool {
        self.wants_schema_of(table) && self.is_among_tables(table)
    }

    fn is_among_tables(&self, table: &RelationName) -> bool {
        self.tables.is_empty() || self.tables.iter().any(|wanted| is_same(table, wanted))
    }

    /// Refuses a filter that none of the declared objects fits: a mistyped one would be nothing to do.
    ///
    /// # Errors
    /// `Usage`.
    pub fn require_fitting(&self, steps: &[Step]) -> Result<()> {
        let unfit = |wanted: &&Pattern| !steps.iter().any(|step| is_index(step, wanted));
        if let Some(wanted) = self.indexes.iter().find(unfit) {
            let indexes = steps.iter().filter(|step| matches!(step.subject, Subject::Index(_)));
            let names = indexes.map(|step| step.object.name.clone()).collect::<Vec<_>>();
            let hint = did_you_mean::hint(wanted.as_str(), &names, "the files declare no index");
            let message = format!("--index {wanted}: no declared index matches");
            return Err(Failure::usage(message).hint(hint));
        }
        let unfit = |wanted: &&RelationName| !steps.iter().any(|step| is_on(step, wanted));
        if let Some(wanted) = self.tables.iter().find(unfit) {
            let names = steps
                .iter()
                .map(|step| table(step).to_string())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>();
            let hint = did_you_mean::hint(&wanted.to_string(), &names, "the files declare nothing");
            let message = format!("--table {wanted}: nothing is declared on such a table");
            return Err(Failure::usage(message).hint(hint));
        }
        Ok(())
    }
}

fn table(step: &Step) -> &RelationName {
    step.on.as_ref().unwrap_or(&step.object)
}

fn is_on(step: &Step, wanted: &RelationName) -> bool {
    is_same(table(step), wanted)
}

fn is_same(table: &RelationName, wanted: &RelationName) -> bool {
    wanted.name == table.name && (wanted.schema.is_none() || wanted.schema == table.schema)
}

fn is_index(step: &Step, wanted: &Pattern) -> bool {
    matches!(step.subject, Subject::Index(_)) && wanted.matches(&step.object.name)
}
