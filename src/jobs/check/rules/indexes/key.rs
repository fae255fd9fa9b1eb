//! Which indexes make another superfluous, by their definitions in the catalog.

use std::collections::{HashMap, HashSet};

use crate::facts::health::Index;

/// An index, and the one that makes it superfluous.
#[derive(Debug, Clone, Copy)]
pub struct Superfluous<'a> {
    pub index: &'a Index,
    pub because_of: &'a Index,
}

/// Those that are superfluous.
pub fn oids(found: &[Superfluous<'_>]) -> HashSet<u32> {
    found.iter().map(|it| it.index.oid).collect()
}

/// Whether its definition is known as a whole: of a locked table no expression was read.
fn is_known(index: &Index) -> bool {
    (!index.has_expressions || index.expressions.is_some())
        && (!index.is_partial || index.predicate.is_some())
}

/// Whether there are indexes whose definitions are not known.
pub fn are_hidden(indexes: &[Index]) -> bool {
    indexes.iter().any(|index| !is_known(index))
}

/// Those that can be compared: valid, whole and of the user's.
fn comparable(indexes: &[Index]) -> impl Iterator<Item = &Index> {
    indexes.iter().filter(|index| {
        is_known(index) && index.is_valid && index.is_live && !index.is_exclusion && !index.is_toast
    })
}

/// Indexes with the same keys as another, which is rather to be kept.
pub fn duplicates(indexes: &[Index]) -> Vec<Superfluous<'_>> {
    let mut alike = HashMap::<_, Vec<&Index>>::new();
    for index in comparable(indexes) {
        let Index { method, columns, classes, collations, options, .. } = index;
        let key = (index.table_oid, method, columns, classes, collations, options);
        let more = (index.key_columns, &index.expressions, &index.predicate);
        alike.entry((key, more)).or_default().push(index);
    }
    let mut found = Vec::new();
    for mut group in alike.into_values().filter(|group| group.len() > 1) {
        group.sort_by_key(|index| (std::cmp::Reverse(worth(index)), index.oid));
        let kept = group[0];
        let others = group[1..].iter().filter(|index| {
            let guards = index.is_unique
                && !(kept.is_unique && kept.are_nulls_equal == index.are_nulls_equal);
            !is_held(index) && !guards
        });
        found.extend(others.map(|index| Superfluous { index, because_of: kept }));
    }
    found.sort_by(|one, other| one.index.object.cmp(&other.index.object));
    found
}

/// Indexes whose keys are the first ones of another's, which serves their queries, too.
pub fn prefixes(indexes: &[Index]) -> Vec<Superfluous<'_>> {
    let mut of_table = HashMap::<u32, Vec<&Index>>::new();
    for index in comparable(indexes).filter(|index| index.method == "btree") {
        of_table.entry(index.table_oid).or_default().push(index);
    }
    let mut found = Vec::new();
    for index in comparable(indexes).filter(|index| index.method == "btree") {
        if index.is_unique || is_held(index) || index.has_expressions {
            continue;
        }
        let others = of_table.get(&index.table_oid).into_iter().flatten();
        let mut longer = others.filter(|other| is_prefix(index, other));
        found.extend(longer.next().map(|because_of| Superfluous { index, because_of }));
    }
    found
}

fn is_prefix(short: &Index, long: &Index) -> bool {
    let begins = |part: fn(&Index) -> &str| {
        let (short, long) = (firsts(short, part), firsts(long, part));
        long.starts_with(&short)
    };
    let columns = long.columns.split(' ').collect::<Vec<_>>();
    long.key_columns > short.key_columns
        && short.predicate == long.predicate
        && begins(|index| &index.columns)
        && begins(|index| &index.classes)
        && begins(|index| &index.collations)
        && begins(|index| &index.options)
        // What is INCLUDEd must be there, too.
        && short.columns.split(' ').all(|column| columns.contains(&column))
}

/// The parts of the keys.
fn firsts(index: &Index, part: fn(&Index) -> &str) -> Vec<&str> {
    let keys = usize::try_from(index.key_columns).unwrap_or_default();
    part(index).split(' ').take(keys).collect()
}

/// It cannot be dropped by itself, or something other than queries needs it.
fn is_held(index: &Index) -> bool {
    index.constraint_type.is_some()
        || index.is_referenced
        || index.is_replica_identity
        || index.is_clustered
        || index.parent_oid.is_some()
}

/// By this the one to be kept is chosen.
fn worth(index: &Index) -> (bool, bool, bool, i64) {
    (is_held(index), index.is_primary, index.is_unique, index.scans)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A valid B-tree on these columns.
    pub fn btree(name: &str, columns: &str) -> Index {
        let keys = columns.split(' ').count();
        Index {
            object: format!("public.{name}"),
            name: name.to_owned(),
            table_object: "public.t".to_owned(),
            method: "btree".to_owned(),
            columns: columns.to_owned(),
            key_columns: i32::try_from(keys).unwrap(),
            classes: vec!["1"; keys].join(" "),
            collations: vec!["0"; keys].join(" "),
            options: vec!["0"; keys].join(" "),
            is_valid: true,
            is_ready: true,
            is_live: true,
            ..Index::default()
        }
    }

    fn names(found: &[Superfluous<'_>]) -> Vec<(String, String)> {
        let pairs = found.iter().map(|it| (it.index.name.clone(), it.because_of.name.clone()));
        pairs.collect()
    }

    #[test]
    fn of_two_alike_the_one_with_the_constraint_stays() {
        let constraint_type = Some("p".to_owned());
        let key = Index { constraint_type, is_unique: true, ..btree("key", "1") };
        let twin = Index { scans: 100, ..btree("twin", "1") };
        let other = Index { classes: "2".to_owned(), ..btree("other", "1") };
        let all = [twin, key, other];
        assert_eq!(names(&duplicates(&all)), [("twin".to_owned(), "key".to_owned())]);
    }

    #[test]
    fn a_unique_index_is_no_duplicate_of_one_that_is_not() {
        let unique = Index { is_unique: true, ..btree("unique", "1") };
        let plain = Index { scans: 9, ..btree("plain", "1") };
        assert_eq!(
            names(&duplicates(&[plain, unique])),
            [("plain".to_owned(), "unique".to_owned())]
        );
    }

    #[test]
    fn a_prefix_is_superfluous_unless_it_differs() {
        let partial = Index {
            is_partial: true,
            predicate: Some("a".to_owned()),
            ..btree("partial", "1")
        };
        let descending = Index { options: "3".to_owned(), ..btree("descending", "1") };
        let all = [
            btree("short", "1"),
            btree("long", "1 2"),
            partial,
            descending,
            btree("two", "2"),
        ];
        assert_eq!(names(&prefixes(&all)), [("short".to_owned(), "long".to_owned())]);
    }

    #[test]
    fn what_a_lock_hides_is_not_compared() {
        let hidden = |name| Index { has_expressions: true, ..btree(name, "0") };
        let all = [hidden("a"), hidden("b")];
        assert!(are_hidden(&all));
        assert_eq!(names(&duplicates(&all)), []);
    }
}
