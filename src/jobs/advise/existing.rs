//! The indexes that are there.

use std::collections::HashMap;

use super::shape::IndexShape;
use super::statements::table_of;
use crate::facts::btree_size::{MUCH_WIDER, PAGE_BYTES};
use crate::twin::Candidate;
use crate::twin::data::{TwinData, TwinIndex};

/// Those of a database, by their schema and table.
pub struct ExistingIndexes<'d>(HashMap<(String, String), Vec<(IndexShape, &'d TwinIndex)>>);

impl<'d> ExistingIndexes<'d> {
    pub fn of(data: &'d TwinData) -> Self {
        let mut of_table: HashMap<_, Vec<_>> = HashMap::new();
        for index in data.indexes.iter().filter(|index| index.is_valid) {
            let table = (index.schema.clone(), index.table.clone());
            let shape = IndexShape::read(&index.behind_using());
            of_table.entry(table).or_default().push((shape, index));
        }
        ExistingIndexes(of_table)
    }

    /// Whether one of them is what the candidate would be, or begins with its keys.
    pub fn serve(&self, candidate: &Candidate) -> bool {
        let shape = IndexShape::read(&candidate.definition);
        let mut of_table = self.0.get(&table_of(candidate)).into_iter().flatten();
        of_table.any(|(known, index)| {
            let bytes = index.pages.unwrap_or(0).saturating_mul(PAGE_BYTES);
            *known == shape
                || (known.extends(&shape) && bytes <= candidate.bytes.saturating_mul(MUCH_WIDER))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::name::RelationName;

    fn serves(existing: &[(&str, u64)], wanted: &str) -> bool {
        let index = |(definition, pages): &(&str, u64)| TwinIndex {
            schema: "public".to_owned(),
            table: "t".to_owned(),
            definition: format!("CREATE INDEX i ON public.t USING {definition}"),
            pages: Some(*pages),
            is_valid: true,
            ..TwinIndex::default()
        };
        let data = TwinData {
            indexes: existing.iter().map(index).collect(),
            ..TwinData::default()
        };
        ExistingIndexes::of(&data).serve(&Candidate {
            definition: wanted.to_owned(),
            bytes: 100 * PAGE_BYTES,
            ..Candidate::on(RelationName::qualified("public", "t"))
        })
    }

    #[test]
    fn one_that_begins_with_the_same_keys_is_as_good_unless_it_is_much_larger() {
        assert!(serves(&[("btree (a, b)", 400)], "(a)"));
        assert!(serves(&[("gin (a)", 1), ("btree (a)", 900)], "(a)"), "it is the same");
        assert!(!serves(&[("btree (a, b)", 401)], "(a)"));
        assert!(!serves(&[("btree (b, a)", 150)], "(a)"));
        assert!(!serves(&[("btree (a, b) WHERE (b > 0)", 150)], "(a)"));
        assert!(!serves(&[("btree (a, b)", 150)], "(a) INCLUDE (c)"));
    }
}
