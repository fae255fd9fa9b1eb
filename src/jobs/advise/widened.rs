//! Indexes that serve two statements at once: with the keys of one that asks for less, widened by what
//! another one asks for besides.

use std::collections::{BTreeMap, BTreeSet};

use super::shape::IndexShape;
use crate::twin::Wish;

/// A table of thousands of statements has more pairs of them than can be tried.
const MOST_OF_TABLE: usize = 100;

type Keys = Vec<String>;

/// What else is worth a try, by the wishes of each statement: equality columns may stand in any order, and
/// by their own one statement's index begins with the wrong ones for another.
pub fn widened(wishes: &[Vec<Wish>]) -> Vec<Wish> {
    let mut tables: BTreeMap<&str, BTreeMap<Keys, BTreeSet<usize>>> = BTreeMap::new();
    for (statement, wishes) in wishes.iter().enumerate() {
        for wish in wishes {
            let shape = IndexShape::read(&wish.definition);
            let is_plain = shape.included.is_empty() && shape.predicate.is_empty();
            if shape.method == "btree" && is_plain {
                let known = tables.entry(&wish.table).or_default();
                known.entry(shape.keys).or_default().insert(statement);
            }
        }
    }
    let mut made = Vec::new();
    for (table, known) in tables {
        let wider = wider(&known).into_iter().take(MOST_OF_TABLE);
        made.extend(wider.map(|keys| Wish {
            table: table.to_owned(),
            is_unique: false,
            definition: format!("({})", keys.join(", ")),
        }));
    }
    made
}

fn wider(known: &BTreeMap<Keys, BTreeSet<usize>>) -> BTreeSet<Keys> {
    let mut made = BTreeSet::new();
    for (wide, of_wide) in known {
        for (narrow, of_narrow) in known {
            let is_part = narrow.len() < wide.len() && narrow.iter().all(|key| wide.contains(key));
            let has_others = of_narrow.difference(of_wide).next().is_some();
            if !is_part || !has_others || wide.starts_with(narrow) {
                continue;
            }
            let rest = wide.iter().filter(|key| !narrow.contains(key));
            let keys = narrow.iter().chain(rest).cloned().collect::<Keys>();
            if !known.contains_key(&keys) {
                made.insert(keys);
            }
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes(definitions: &[&str]) -> Vec<Wish> {
        let wish = |definition: &&str| Wish {
            table: "public.t".to_owned(),
            is_unique: false,
            definition: (*definition).to_owned(),
        };
        definitions.iter().map(wish).collect()
    }

    fn made(statements: &[&[&str]]) -> Vec<String> {
        let statements = statements.iter().map(|one| wishes(one)).collect::<Vec<_>>();
        widened(&statements).into_iter().map(|wish| wish.definition).collect()
    }

    #[test]
    fn the_keys_of_a_statement_that_asks_for_less_come_first() {
        let both = &["(a)", "(b)", "(b, a)", "(b, a) INCLUDE (c)", "USING gin (a)"][..];
        assert_eq!(made(&[both, &["(a)"]]), ["(a, b)"]);
        assert!(made(&[both]).is_empty(), "no other statement asks for one of them alone");
        assert!(made(&[both, &["(b)"]]).is_empty(), "(b, a) begins so");
        assert_eq!(made(&[&["(b, a, c DESC)"], &["(a)"]]), ["(a, b, c DESC)"]);
    }
}
