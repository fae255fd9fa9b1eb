//! The indexes and views that are there, by name and by definition.

use std::collections::HashMap;

use super::Existing;
use crate::facts::{IndexQuestion, IndexShape, Oid};

/// Existing indexes by name and by definition.
pub(super) struct Present<'a> {
    by_name: HashMap<(Oid, &'a str), &'a IndexShape>,
    by_definition: HashMap<(Oid, &'a str, bool), &'a IndexShape>,
}

impl<'a> Present<'a> {
    pub(super) fn of(existing: &'a Existing<'_>) -> Self {
        let all = existing
            .indexes
            .iter()
            .flat_map(|(table, indexes)| indexes.iter().map(|it| (*table, &it.shape)));
        let (mut by_name, mut by_definition) = (HashMap::new(), HashMap::new());
        for (table, shape) in all {
            by_name.insert((table, shape.name.as_str()), shape);
            by_definition.insert((table, shape.definition.as_str(), shape.unique), shape);
        }
        Present { by_name, by_definition }
    }

    pub(super) fn named(&self, table: Oid, name: &str) -> Option<&'a IndexShape> {
        self.by_name.get(&(table, name)).copied()
    }

    /// Whether the index exists as declared.
    pub(super) fn has(&self, question: &IndexQuestion, table: Oid, shape: &IndexShape) -> bool {
        match &question.name {
            Some(name) => self.named(table, name).is_some_and(|existing| existing.equals(shape)),
            None => {
                let key = (table, shape.definition.as_str(), shape.unique);
                self.by_definition.contains_key(&key)
            }
        }
    }

    /// The declared shape, if an index exists that proves that the server prints it so.
    pub(super) fn as_declared(
        &self,
        question: &IndexQuestion,
        table: Oid,
        shape: IndexShape,
    ) -> Option<IndexShape> {
        let existing = match &question.name {
            Some(name) => self.named(table, name)?,
            None => self.by_definition.get(&(table, shape.definition.as_str(), shape.unique))?,
        };
        let proves = existing.equals(&shape)
            && (shape.options.is_empty() || shape.options == existing.options);
        proves.then(|| IndexShape { name: existing.name.clone(), ..shape })
    }
}
