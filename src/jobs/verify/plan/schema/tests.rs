//! Which indexes and keys are found, and which nearly are.

use super::*;
use crate::facts::Oid;
use crate::pg::name::RelationName;

fn relation(name: &str) -> RelationName {
    RelationName::qualified("public", name)
}

fn index(oid: Oid, name: &str, keys: &[&str]) -> SchemaIndex {
    SchemaIndex {
        oid,
        name: relation(name),
        table: relation("sales"),
        table_oid: 1,
        method: "btree".to_owned(),
        keys: keys.iter().map(|key| format!("{key} 1978 0 0")).collect(),
        first_key: String::new(),
        included: Vec::new(),
        predicate: None,
        is_unique: false,
        takes_nulls_as_equal: false,
        constraint: None,
        is_primary: false,
        foreign_key: None,
        is_replica_identity: false,
        is_exclusion: false,
        columns: (1..).take(keys.len()).collect(),
        definition: String::new(),
        parts: vec![relation(name)],
    }
}

fn unique(oid: Oid, name: &str, keys: &[&str]) -> SchemaIndex {
    SchemaIndex { is_unique: true, ..index(oid, name, keys) }
}

fn constraint(oid: Oid, name: &str, keys: &[&str]) -> SchemaIndex {
    SchemaIndex { constraint: Some(name.to_owned()), ..unique(oid, name, keys) }
}

fn primary(oid: Oid, name: &str, keys: &[&str]) -> SchemaIndex {
    SchemaIndex { is_primary: true, ..constraint(oid, name, keys) }
}

/// `RULE NAME`, by the message.
fn found(indexes: &[SchemaIndex]) -> Vec<String> {
    let findings = indexes::superfluous(indexes, &Origins::default()).into_iter();
    let findings = findings.map(|finding| {
        let subject = finding.message.split(" on ").next().unwrap_or_default().to_owned();
        let name = subject.rsplit([' ', '.']).next().unwrap_or_default().to_owned();
        format!("{} {name}", finding.rule)
    });
    findings.collect()
}

#[test]
fn of_two_that_are_alike_the_later_one_is_superfluous() {
    assert_eq!(found(&[index(1, "a", &["x"]), index(2, "b", &["x"])]), ["duplicate-index b"]);
    assert_eq!(found(&[unique(1, "a", &["x"]), unique(2, "b", &["x"])]), ["duplicate-index b"]);
    let three = [index(1, "a", &["x"]), index(2, "b", &["x"]), index(3, "c", &["x"])];
    assert_eq!(found(&three), ["duplicate-index b", "duplicate-index c"]);
}

#[test]
fn what_guards_the_rows_is_kept() {
    assert_eq!(found(&[index(1, "a", &["x"]), unique(2, "b", &["x"])]), ["duplicate-index a"]);
    assert_eq!(found(&[unique(1, "a", &["x"]), primary(2, "p", &["x"])]), ["duplicate-index a"]);
    assert_eq!(
        found(&[unique(1, "a", &["x"]), constraint(2, "c", &["x"])]),
        ["duplicate-index a"]
    );
    assert_eq!(
        found(&[primary(1, "p", &["x"]), constraint(2, "c", &["x"])]),
        ["duplicate-index c"]
    );
    let strict = SchemaIndex { takes_nulls_as_equal: true, ..unique(2, "b", &["x"]) };
    assert_eq!(found(&[unique(1, "a", &["x"]), strict]), ["duplicate-index a"]);
}

#[test]
fn what_something_else_needs_is_kept() {
    let key = Some("fk".to_owned());
    let referred = SchemaIndex { foreign_key: key.clone(), ..unique(2, "b", &["x"]) };
    assert_eq!(found(&[unique(1, "a", &["x"]), referred.clone()]), ["duplicate-index a"]);
    assert_eq!(found(&[primary(1, "p", &["x"]), referred]), Vec::<String>::new());
    let gist = |oid, name| SchemaIndex { method: "gist".to_owned(), ..index(oid, name, &["x"]) };
    let exclusion = SchemaIndex { is_exclusion: true, ..gist(1, "e") };
    let other = SchemaIndex { oid: 3, ..exclusion.clone() };
    assert_eq!(found(&[exclusion.clone(), gist(2, "a")]), ["duplicate-index a"]);
    assert_eq!(found(&[exclusion, other]), Vec::<String>::new());
    let identity = SchemaIndex { is_replica_identity: true, ..unique(2, "b", &["x"]) };
    assert_eq!(found(&[primary(1, "p", &["x"]), identity]), Vec::<String>::new());
}

#[test]
fn what_differs_in_anything_is_no_duplicate() {
    let plain = index(1, "a", &["x"]);
    for other in [
        SchemaIndex { method: "hash".to_owned(), ..index(2, "b", &["x"]) },
        SchemaIndex { predicate: Some("y > 0".to_owned()), ..index(2, "b", &["x"]) },
        SchemaIndex { keys: vec!["x 1978 0 3".to_owned()], ..index(2, "b", &["x"]) },
        SchemaIndex {
            keys: vec!["x 1978 950 0".to_owned()],
            ..index(2, "b", &["x"])
        },
        SchemaIndex { table_oid: 2, ..index(2, "b", &["x"]) },
        index(2, "b", &["y", "x"]),
    ] {
        assert_eq!(found(&[plain.clone(), other]), Vec::<String>::new());
    }
}

#[test]
fn the_beginning_of_another_is_redundant_unless_it_guards_the_rows() {
    let long = index(2, "b", &["x", "y"]);
    assert_eq!(found(&[index(1, "a", &["x"]), long.clone()]), ["redundant-index a"]);
    assert_eq!(found(&[long.clone(), index(3, "a", &["x"])]), ["redundant-index a"]);
    assert_eq!(found(&[unique(1, "a", &["x"]), long.clone()]), Vec::<String>::new());
    let covering = SchemaIndex { included: vec!["z".to_owned()], ..index(1, "a", &["x"]) };
    assert_eq!(found(&[covering.clone(), long]), Vec::<String>::new());
    assert_eq!(found(&[covering.clone(), index(2, "b", &["x", "z"])]), ["redundant-index a"]);
    assert_eq!(found(&[covering, index(2, "b", &["x"])]), ["duplicate-index b"]);
    let gin = |oid, name, keys: &[&str]| SchemaIndex {
        method: "gin".to_owned(),
        ..index(oid, name, keys)
    };
    assert_eq!(found(&[gin(1, "a", &["x"]), gin(2, "b", &["x", "y"])]), Vec::<String>::new());
}

fn lacking(columns: &[i16], indexes: &[SchemaIndex]) -> Vec<String> {
    let key = MigratedForeignKey {
        oid: 9,
        name: "fk".to_owned(),
        table: relation("sales"),
        table_oid: 1,
        referred: "agents".to_owned(),
        columns: columns.to_vec(),
        column_names: vec!["x".to_owned(); columns.len()],
    };
    let schema = FinishedSchema {
        indexes: indexes.to_vec(),
        foreign_keys: vec![key],
        ..FinishedSchema::default()
    };
    let findings = foreign_keys::without_index(&schema, &Origins::default());
    findings.into_iter().map(|finding| finding.message).collect()
}

#[test]
fn a_foreign_key_is_served_by_an_index_that_begins_with_its_columns() {
    assert_eq!(lacking(&[1], &[]).len(), 1);
    assert_eq!(lacking(&[1], &[index(1, "a", &["x"])]).len(), 0);
    assert_eq!(lacking(&[2, 1], &[index(1, "a", &["x", "y", "z"])]).len(), 0);
    assert_eq!(lacking(&[2], &[index(1, "a", &["x", "y"])]).len(), 1);
    // Included columns are not looked up by.
    let included = SchemaIndex { columns: vec![1, 2], ..index(1, "a", &["x"]) };
    assert_eq!(lacking(&[2, 1], &[included]).len(), 1);
    let gin = SchemaIndex { method: "gin".to_owned(), ..index(1, "a", &["x"]) };
    assert_eq!(lacking(&[1], &[gin]).len(), 1);
    let partial = SchemaIndex { predicate: Some("y".to_owned()), ..index(1, "a", &["x"]) };
    let found = lacking(&[1], &[partial]);
    assert!(
        found[0].starts_with("no index but the partial one public.a on public.sales"),
        "{found:?}"
    );
}
