//! Planning without a server: facts made by hand.

use std::collections::HashMap;
use std::time::Duration;

use super::{ApplyOptions, Filter, plan, questions};
use crate::declared::{Declaration, Others, SqlFile, understand};
use crate::facts::Build;
use crate::facts::{
    Belongings, Canonical, ColumnWidth, Facts, Index, IndexShape, NameConflict, PartitionMember,
    Relation, RelationKind,
};
use crate::pg::database::Server;
use crate::pg::name::RelationName;
use crate::pg::search_path::SearchPath;
use crate::pg::version::ServerVersion;
use crate::work::plan::*;

fn declare(sql: &str) -> Declaration {
    let file = SqlFile { name: "d.sql".into(), text: sql.to_owned() };
    understand(&[file], Others::Refuse).unwrap()
}

fn server() -> Server {
    Server {
        version: ServerVersion(150_000),
        database: "db".to_owned(),
        role: "me".to_owned(),
        search_path: SearchPath {
            text: "public".to_owned(),
            schemas: vec!["public".to_owned()],
        },
        in_recovery: false,
        read_only: false,
        block_size_bytes: 8192,
        may_create_temp: true,
        sees_all_statistics: true,
        deadlock_timeout: Duration::from_secs(1),
    }
}

fn table(oid: u32, name: &str) -> Relation {
    Relation {
        oid,
        name: RelationName::qualified("public", name),
        kind: RelationKind::Table,
        owned: true,
        may_create_in_schema: true,
        may_maintain: true,
        owner: "me".to_owned(),
        row_estimate: 1000.0,
        size_bytes: 81_920,
        is_populated: true,
        comment: None,
        analyzed_ago_seconds: None,
        vacuumed_ago_seconds: None,
    }
}

fn shape(definition: &str) -> IndexShape {
    IndexShape {
        unique: false,
        definition: definition.to_owned(),
        options: String::new(),
        name: "t_a_idx".to_owned(),
    }
}

fn index(oid: u32, name: &str, definition: &str) -> Index {
    Index {
        oid,
        name: RelationName::qualified("public", name),
        shape: shape(definition),
        is_valid: true,
        is_ready: true,
        is_live: true,
        constraint: None,
        pinned_by: None,
        parent: None,
        comment: None,
        belongings: Belongings::default(),
        rows: -1,
        size_bytes: 8192,
    }
}

/// A database with one table, oid 1, and these indexes on it; every declared index is written by
/// the server as `canonical`.
fn facts(declaration: &Declaration, indexes: Vec<Index>, canonical: &str) -> Facts {
    let questions = questions(declaration);
    let relations = questions.relations.iter().map(|name| (name.clone(), table(1, &name.name)));
    Facts {
        server: server(),
        relations: relations.collect(),
        indexes: HashMap::from([(1, indexes)]),
        partitions: HashMap::new(),
        canonical_indexes: questions
            .indexes
            .into_iter()
            .map(|question| {
                let shape = IndexShape { unique: question.unique, ..shape(canonical) };
                (question, Canonical::Known(shape))
            })
            .collect(),
        canonical_views: HashMap::new(),
        locked: std::collections::HashSet::new(),
        name_conflicts: HashMap::new(),
        index_comments: HashMap::new(),
        builds: Vec::new(),
        invalid_indexes: Vec::new(),
        column_widths: HashMap::new(),
    }
}

/// The only relation is this one.
fn is(facts: &mut Facts, relation: &Relation) {
    facts.relations.values_mut().for_each(|it| it.clone_from(relation));
}

fn only_step(declaration: &Declaration, facts: &Facts, options: &ApplyOptions) -> Step {
    let mut steps = plan(declaration, facts, options).unwrap().steps;
    assert_eq!(steps.len(), 1);
    steps.remove(0)
}

fn texts(step: &Step) -> Vec<String> {
    step.statements.iter().flat_map(Statement::texts).collect()
}

const BTREE_A: &str = "USING btree (a)";
const DECLARED: &str = "CREATE INDEX IF NOT EXISTS i ON t (a)";

#[test]
fn a_missing_index_is_built_concurrently_under_its_name() {
    let declaration = declare(DECLARED);
    let facts = facts(&declaration, Vec::new(), BTREE_A);
    let step = only_step(&declaration, &facts, &ApplyOptions::default());
    assert_eq!((step.action, step.verdict), (Action::BuildIndex, Verdict::ToDo));
    assert_eq!(texts(&step), ["CREATE INDEX CONCURRENTLY i ON public.t (a)"]);
    assert_eq!(step.lock.unwrap().to_string(), "ShareUpdateExclusive on public.t");
}

#[test]
fn an_equal_index_needs_nothing() {
    let declaration = declare(DECLARED);
    let facts = facts(&declaration, vec![index(2, "i", BTREE_A)], BTREE_A);
    let step = only_step(&declaration, &facts, &ApplyOptions::default());
    assert_eq!(step.verdict, Verdict::AsDeclared);
    assert!(step.statements.is_empty());
}

#[test]
fn a_broken_index_is_dropped_and_built_but_never_while_somebody_builds_it() {
    let declaration = declare(DECLARED);
    let broken = Index { is_valid: false, is_ready: false, ..index(2, "i", BTREE_A) };
    let mut facts = facts(&declaration, vec![broken], BTREE_A);
    let step = only_step(&declaration, &facts, &ApplyOptions::default());
    assert_eq!(step.action, Action::HealIndex);
    assert_eq!(
        texts(&step),
        [
            "DROP INDEX CONCURRENTLY public.i",
            "CREATE INDEX CONCURRENTLY i ON public.t (a)"
        ]
    );

    facts.builds.push(Build {
        pid: 7,
        table: Some(1),
        index: Some(2),
        command: Some("CREATE INDEX CONCURRENTLY".to_owned()),
        phase: None,
        application: None,
        role: None,
        since_seconds: None,
    });
    let step = only_step(&declaration, &facts, &ApplyOptions::default());
    assert_eq!(step.action, Action::WatchBuild);
    assert!(step.statements.is_empty());
    assert_eq!(step.busy.unwrap().pid, 7);
}

#[test]
fn a_build_whose_index_cannot_be_seen_is_taken_for_the_one_in_question() {
    let declaration = declare(DECLARED);
    let broken = Index { is_valid: false, ..index(2, "i", BTREE_A) };
    let mut facts = facts(&declaration, vec![broken], BTREE_A);
    facts.builds.push(Build {
        pid: 7,
        table: Some(1),
        index: None,
        command: None,
        phase: None,
        application: None,
        role: None,
        since_seconds: None,
    });
    let step = only_step(&declaration, &facts, &ApplyOptions::default());
    assert_eq!(step.action, Action::WatchBuild);
}

#[test]
fn drift_is_told_and_replaced_only_by_option() {
    let declaration = declare(DECLARED);
    let facts = facts(&declaration, vec![index(2, "i", "USING btree (b)")], BTREE_A);
    let step = only_step(&declaration, &facts, &ApplyOptions::default());
    assert_eq!(step.verdict, Verdict::Refused);
    assert!(step.reason.words.contains("it is USING btree (b), declared is USING btree (a)"));

    let replace = ApplyOptions { replace: true, ..ApplyOptions::default() };
    let step = only_step(&declaration, &facts, &replace);
    assert_eq!(
        texts(&step),
        [
            "CREATE INDEX CONCURRENTLY i_pgtend_new ON public.t (a)",
            "BEGIN",
            "SET LOCAL lock_timeout = '500ms'",
            "ALTER INDEX public.i RENAME TO i_pgtend_old",
            "ALTER INDEX public.i_pgtend_new RENAME TO i",
            "COMMIT",
            "DROP INDEX CONCURRENTLY public.i_pgtend_old",
        ]
    );
}

#[test]
fn a_replacement_that_is_ready_is_not_built_again() {
    let declaration = declare(DECLARED);
    let ready = index(3, "i_pgtend_new", BTREE_A);
    let facts = facts(&declaration, vec![index(2, "i", "USING btree (b)"), ready], BTREE_A);
    let step =
        only_step(&declaration, &facts, &ApplyOptions { replace: true, ..ApplyOptions::default() });
    assert!(!texts(&step).iter().any(|sql| sql.starts_with("CREATE")), "{:?}", texts(&step));
}

#[test]
fn a_pinned_index_is_never_replaced() {
    let declaration = declare(DECLARED);
    let pinned = Index {
        pinned_by: Some("constraint t_pkey".to_owned()),
        ..index(2, "i", "USING btree (b)")
    };
    let facts = facts(&declaration, vec![pinned], BTREE_A);
    let step =
        only_step(&declaration, &facts, &ApplyOptions { replace: true, ..ApplyOptions::default() });
    assert_eq!(step.verdict, Verdict::Refused);
    assert!(step.reason.words.contains("pinned by constraint t_pkey"), "{}", step.reason);
}

#[test]
fn a_redundant_index_is_built_with_a_warning_or_left_out_by_option() {
    let declaration = declare(DECLARED);
    let duplicate_of = Index {
        shape: IndexShape { unique: true, ..shape(BTREE_A) },
        constraint: Some("t_a_key".to_owned()),
        ..index(2, "t_a_key", BTREE_A)
    };
    let facts = facts(&declaration, vec![duplicate_of], BTREE_A);
    let built = plan(&declaration, &facts, &ApplyOptions::default()).unwrap();
    assert_eq!(built.steps[0].verdict, Verdict::ToDo);
    assert_eq!(built.warnings[0].rule, "redundant_index");
    let skip = ApplyOptions { skip_redundant: true, ..ApplyOptions::default() };
    assert_eq!(only_step(&declaration, &facts, &skip).verdict, Verdict::LeftOut);
}

#[test]
fn a_unique_index_is_not_made_superfluous_by_a_plain_one() {
    let declaration = declare("CREATE UNIQUE INDEX i ON t (a)");
    let facts = facts(&declaration, vec![index(2, "plain", BTREE_A)], BTREE_A);
    assert!(
        plan(&declaration, &facts, &ApplyOptions::default())
            .unwrap()
            .warnings
            .is_empty()
    );
}

#[test]
fn a_name_that_is_taken_is_never_touched() {
    let declaration = declare(DECLARED);
    let mut facts = facts(&declaration, Vec::new(), BTREE_A);
    let conflict = NameConflict { kind: RelationKind::View, table: None };
    facts.name_conflicts.insert(RelationName::qualified("public", "i"), conflict);
    let step = only_step(&declaration, &facts, &ApplyOptions::default());
    assert_eq!(step.verdict, Verdict::Refused);
    assert_eq!(step.reason.words, "the name is taken by a view");
}

#[test]
fn an_index_without_a_name_is_found_by_its_definition_or_named_as_the_server_would() {
    let declaration = declare("CREATE INDEX ON t (a)");
    let found = facts(&declaration, vec![index(2, "whatever", BTREE_A)], BTREE_A);
    let step = only_step(&declaration, &found, &ApplyOptions::default());
    assert_eq!(step.verdict, Verdict::AsDeclared);
    assert_eq!(step.object.name, "whatever");

    let mut missing = facts(&declaration, Vec::new(), BTREE_A);
    let conflict = NameConflict { kind: RelationKind::Table, table: None };
    missing
        .name_conflicts
        .insert(RelationName::qualified("public", "t_a_idx"), conflict);
    let step = only_step(&declaration, &missing, &ApplyOptions::default());
    assert_eq!(step.object.name, "t_a_idx1");
}

#[test]
fn who_does_not_own_the_table_is_told_who_does() {
    let declaration = declare(DECLARED);
    let mut facts = facts(&declaration, Vec::new(), BTREE_A);
    let foreign = Relation { owned: false, owner: "boss".to_owned(), ..table(1, "t") };
    is(&mut facts, &foreign);
    let step = only_step(&declaration, &facts, &ApplyOptions::default());
    assert_eq!(step.verdict, Verdict::Refused);
    assert!(
        step.reason.words.contains("only the owner of public.t (boss)"),
        "{}",
        step.reason
    );
}

#[test]
fn what_the_server_refuses_is_not_sent() {
    let declaration = declare(DECLARED);
    let mut facts = facts(&declaration, Vec::new(), BTREE_A);
    let refused = Canonical::Refused(crate::pg::server_error::ServerError {
        sqlstate: Some("42703".to_owned()),
        message: "column \"a\" does not exist".to_owned(),
        detail: None,
        hint: None,
        position: None,
    });
    facts
        .canonical_indexes
        .values_mut()
        .for_each(|canonical| *canonical = refused.clone());
    let step = only_step(&declaration, &facts, &ApplyOptions::default());
    assert_eq!(step.verdict, Verdict::Refused);
    assert!(step.reason.words.contains("column \"a\" does not exist"));
    assert!(step.statements.is_empty());
}

#[test]
fn what_cannot_be_compared_is_said() {
    let declaration = declare(DECLARED);
    let mut facts = facts(&declaration, vec![index(2, "i", BTREE_A)], BTREE_A);
    let unknown = Canonical::NotCompared("no TEMP".to_owned());
    facts
        .canonical_indexes
        .values_mut()
        .for_each(|canonical| *canonical = unknown.clone());
    let plan = plan(&declaration, &facts, &ApplyOptions::default()).unwrap();
    assert_eq!(plan.steps[0].verdict, Verdict::AsDeclared);
    assert_eq!(plan.warnings[0].rule, "not_compared");
}

#[test]
fn the_size_follows_the_columns_and_shares_equal_keys() {
    let declaration = declare(DECLARED);
    let mut facts = facts(&declaration, Vec::new(), BTREE_A);
    let width = |distinct_values| ColumnWidth { width_bytes: 8, distinct_values };
    facts.column_widths.insert((1, "a".to_owned()), width(-1.0));
    let unique = only_step(&declaration, &facts, &ApplyOptions::default())
        .estimated_bytes
        .unwrap();
    facts.column_widths.insert((1, "a".to_owned()), width(3.0));
    let few = only_step(&declaration, &facts, &ApplyOptions::default())
        .estimated_bytes
        .unwrap();
    assert!((20_000..50_000).contains(&unique), "{unique}");
    assert!(few < unique, "{few} {unique}");
    facts.column_widths.clear();
    let unknown = only_step(&declaration, &facts, &ApplyOptions::default()).estimated_bytes;
    assert_eq!(unknown, None);
}

#[test]
fn maintenance_runs_when_never_done_or_when_the_table_changes() {
    let declaration = declare("ANALYZE t;");
    let mut facts = facts(&declaration, Vec::new(), BTREE_A);
    let step = only_step(&declaration, &facts, &ApplyOptions::default());
    assert_eq!(texts(&step), ["ANALYZE (SKIP_LOCKED) public.t"]);
    let done = Relation { analyzed_ago_seconds: Some(60.0), ..table(1, "t") };
    is(&mut facts, &done);
    let step = only_step(&declaration, &facts, &ApplyOptions::default());
    assert_eq!(step.verdict, Verdict::LeftOut);
    assert!(step.reason.words.starts_with("done 1m ago"), "{}", step.reason);
}

#[test]
fn only_what_the_filter_lets_through_is_planned() {
    let declaration = declare("CREATE INDEX a1 ON t (a); CREATE INDEX b1 ON t (a);");
    let facts = facts(&declaration, Vec::new(), BTREE_A);
    let indexes = vec![glob::Pattern::new("b*").unwrap()];
    let filter = Filter { indexes, ..Filter::default() };
    let step = only_step(&declaration, &facts, &ApplyOptions { filter, ..ApplyOptions::default() });
    assert_eq!(step.object.name, "b1");
}

fn partitioned(declaration: &Declaration, members: Vec<PartitionMember>) -> Facts {
    let mut facts = facts(declaration, Vec::new(), BTREE_A);
    is(&mut facts, &Relation { kind: RelationKind::PartitionedTable, ..table(1, "t") });
    facts.partitions.insert(1, members);
    facts
}

fn member(oid: u32, parent: Option<u32>, name: &str, kind: RelationKind) -> PartitionMember {
    PartitionMember {
        oid,
        parent,
        name: RelationName::qualified("public", name),
        kind,
        size_bytes: 8192,
        key_columns: if kind == RelationKind::PartitionedTable {
            vec!["d".to_owned()]
        } else {
            Vec::new()
        },
        has_key_expressions: false,
    }
}

#[test]
fn a_partitioned_index_is_made_alone_built_on_the_leaves_and_attached_from_below() {
    use RelationKind::{PartitionedTable, Table};
    let declaration = declare(DECLARED);
    let facts = partitioned(
        &declaration,
        vec![
            member(1, None, "t", PartitionedTable),
            member(2, Some(1), "t1", Table),
            member(3, Some(1), "t2", PartitionedTable),
            member(4, Some(3), "t2a", Table),
        ],
    );
    let step = only_step(&declaration, &facts, &ApplyOptions::default());
    let mut sent = texts(&step);
    sent.retain(|sql| !matches!(sql.as_str(), "BEGIN" | "COMMIT") && !sql.starts_with("SET"));
    assert_eq!(
        sent,
        [
            "CREATE INDEX i ON ONLY public.t (a)",
            "CREATE INDEX t2_i ON ONLY public.t2 (a)",
            "CREATE INDEX CONCURRENTLY t1_i ON public.t1 (a)",
            "CREATE INDEX CONCURRENTLY t2a_i ON public.t2a (a)",
            "ALTER INDEX public.i ATTACH PARTITION public.t1_i",
            "ALTER INDEX public.t2_i ATTACH PARTITION public.t2a_i",
            "ALTER INDEX public.i ATTACH PARTITION public.t2_i",
        ]
    );
}

#[test]
fn a_unique_index_without_the_partition_key_is_refused_early() {
    let declaration = declare("CREATE UNIQUE INDEX i ON t (a)");
    let facts = partitioned(
        &declaration,
        vec![
            member(1, None, "t", RelationKind::PartitionedTable),
            member(2, Some(1), "t1", RelationKind::Table),
        ],
    );
    let step = only_step(&declaration, &facts, &ApplyOptions::default());
    assert_eq!(step.verdict, Verdict::Refused);
    assert!(step.reason.words.contains("lacks d"), "{}", step.reason);
}

#[test]
fn a_valid_parent_whose_parts_are_all_there_needs_nothing() {
    let declaration = declare(DECLARED);
    let mut facts = partitioned(
        &declaration,
        vec![
            member(1, None, "t", RelationKind::PartitionedTable),
            member(2, Some(1), "t1", RelationKind::Table),
        ],
    );
    facts.indexes.insert(1, vec![index(10, "i", BTREE_A)]);
    facts
        .indexes
        .insert(2, vec![Index { parent: Some(10), ..index(11, "t1_i", BTREE_A) }]);
    let step = only_step(&declaration, &facts, &ApplyOptions::default());
    assert_eq!(step.verdict, Verdict::AsDeclared);
}

#[test]
fn an_invalid_parent_whose_parts_are_valid_is_looked_at_again_by_attaching_one() {
    let declaration = declare(DECLARED);
    let mut facts = partitioned(
        &declaration,
        vec![
            member(1, None, "t", RelationKind::PartitionedTable),
            member(2, Some(1), "t1", RelationKind::Table),
        ],
    );
    let parent = Index { is_valid: false, ..index(10, "i", BTREE_A) };
    facts.indexes.insert(1, vec![parent]);
    facts
        .indexes
        .insert(2, vec![Index { parent: Some(10), ..index(11, "t1_i", BTREE_A) }]);
    let step = only_step(&declaration, &facts, &ApplyOptions::default());
    assert!(texts(&step).contains(&"ALTER INDEX public.i ATTACH PARTITION public.t1_i".to_owned()));
    assert_eq!(step.statements.len(), 1);
}
