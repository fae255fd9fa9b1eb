use super::*;
use crate::facts::reindex::{Birth, Density};
use crate::facts::{IndexBloat, Known, Unavailable};
use crate::pg::name::RelationName;

const MIB: i64 = 1 << 20;

fn index(oid: Oid, name: &str) -> Reindexable {
    Reindexable {
        oid,
        name: RelationName::qualified("public", name),
        table: RelationName::qualified("public", "t"),
        table_oid: 1,
        is_partitioned: false,
        parent: None,
        is_whole: true,
        is_live: true,
        is_exclusion: false,
        is_deferrable: false,
        is_temporary: false,
        is_system: false,
        is_visible: true,
        owner: "app".to_owned(),
        may_reindex: true,
        tablespace: None,
        size_bytes: 1000 * MIB,
        shape: "1".to_owned(),
    }
}

/// Indexes with what fresh ones would be, in MiB.
fn facts(indexes: Vec<(Reindexable, i64)>) -> Facts {
    let bloat = indexes.iter().map(|(index, fresh)| {
        let known = IndexBloat {
            oid: index.oid,
            name: index.name.clone(),
            table: index.table.clone(),
            table_oid: index.table_oid,
            is_btree: true,
            bytes: index.size_bytes.unsigned_abs(),
            rows: 1e6,
            fresh_bytes: Known::Known((fresh * MIB).unsigned_abs()),
        };
        (index.oid, known)
    });
    Facts {
        bloat: bloat.collect(),
        indexes: indexes.into_iter().map(|(index, _)| index).collect(),
        ..Facts::default()
    }
}

fn options() -> Options {
    Options {
        indexes: Vec::new(),
        tables: Vec::new(),
        schemas: Vec::new(),
        exclude: Vec::new(),
        only_needed: true,
        only_suspect: false,
        gates: Gates { min_bloat: 1.6, min_saved: 100 << 20 },
        version: ServerVersion(150_018),
    }
}

fn named(name: &str) -> Options {
    Options {
        indexes: vec![NamePattern::parse(name).unwrap()],
        only_needed: false,
        ..options()
    }
}

/// What has to be done or cannot be.
fn planned(facts: &Facts, options: &Options) -> Vec<String> {
    let steps = plan(facts, options).unwrap().steps;
    steps
        .iter()
        .filter(|step| step.verdict != Verdict::LeftOut)
        .map(|step| format!("{} {:?} {}", step.object.name, step.verdict, step.reason.code.name()))
        .collect()
}

#[test]
fn what_is_bloated_is_rebuilt_and_the_most_for_the_time_first() {
    let facts = facts(vec![
        (index(2, "little"), 900),
        (index(3, "natural"), 770),
        (index(4, "bloated"), 500),
        (index(5, "worst"), 100),
        (Reindexable { size_bytes: 90 * MIB, ..index(6, "small") }, 1),
        (Reindexable { is_whole: false, ..index(7, "broken") }, 1000),
    ]);
    let expected =
        ["broken ToDo invalid", "worst ToDo bloated", "bloated ToDo bloated"].map(str::to_owned);
    assert_eq!(planned(&facts, &options()), expected);
    let plan = plan(&facts, &options()).unwrap();
    let step = &plan.steps[1];
    assert_eq!(step.reason.words, "1000 MiB, 10.0 times a fresh one of about 100 MiB");
    assert_eq!(step.statements[0].texts(), ["REINDEX INDEX CONCURRENTLY public.worst"]);
    assert_eq!(to_confirm(&plan), [5, 4]);
}

#[test]
fn what_it_was_when_it_was_built_counts_more_than_statistics() {
    let mut facts = facts(vec![(index(2, "i"), 100)]);
    let day = Duration::from_secs(86_400);
    let birth = |bytes: i64| Birth {
        bytes: bytes as f64,
        rows: 5e5,
        ago: 12 * day,
        is_by_this_server: true,
    };
    facts.births.insert("public.i".to_owned(), birth(400 * MIB));
    let plan = plan(&facts, &Options { only_needed: true, ..named("i") }).unwrap();
    let step = &plan.steps[0];
    assert_eq!(step.verdict, Verdict::LeftOut);
    assert_eq!(
        step.reason.words,
        "1000 MiB, 1.2 times a fresh one of about 800 MiB; built 12 days ago, will be at 1.6 times \
         in about 17 days"
    );
    facts.births.insert("public.i".to_owned(), birth(200 * MIB));
    assert_eq!(planned(&facts, &options()), ["i ToDo bloated"]);
}

#[test]
fn full_leaves_outweigh_statistics() {
    let mut facts = facts(vec![(index(2, "i"), 100)]);
    let leaves = (1000 * MIB / 8192) as f64;
    facts
        .densities
        .insert(2, Density { bytes: 0.0, leaf_pages: leaves, percent: 70.0 });
    let plan = plan(&facts, &Options { only_needed: true, ..named("i") }).unwrap();
    assert!(plan.steps[0].reason.words.ends_with("but its leaves are 70 % full"));
    assert_eq!(plan.steps[0].verdict, Verdict::LeftOut);
    facts
        .densities
        .insert(2, Density { bytes: 0.0, leaf_pages: leaves, percent: 30.0 });
    assert_eq!(planned(&facts, &options()), ["i ToDo bloated"]);
}

#[test]
fn what_cannot_be_judged_is_said() {
    let mut facts = facts(vec![(index(2, "i"), 100)]);
    let why = Unavailable::because("public.t was never analyzed").help("ANALYZE public.t");
    facts.bloat.get_mut(&2).unwrap().fresh_bytes = Known::Unavailable(why);
    let plan = plan(&facts, &options()).unwrap();
    assert_eq!(plan.steps[0].verdict, Verdict::LeftOut);
    assert!(plan.warnings[0].message.ends_with("was never analyzed; ANALYZE public.t"));
}

#[test]
fn what_cannot_be_done_says_the_way_out() {
    let refused = |change: fn(&mut Reindexable), options: &Options| {
        let mut index = index(2, "i");
        change(&mut index);
        let plan = plan(&facts(vec![(index, 100)]), options).unwrap();
        assert_eq!(plan.steps[0].verdict, Verdict::Refused, "{:?}", plan.steps[0].reason);
        plan.steps[0].reason.clone()
    };
    let exclusion = refused(|it| it.is_exclusion = true, &options());
    assert!(exclusion.words.ends_with("run REINDEX INDEX public.i"), "{exclusion}");
    assert_eq!(refused(|it| it.is_system = true, &named("i")).code, Code::SystemIndex);
    assert_eq!(refused(|it| it.is_deferrable = true, &options()).code, Code::DeferrableUnique);
    let owner = refused(|it| it.may_reindex = false, &options());
    assert!(owner.words.ends_with("only the owner of its table (app) may do it"), "{owner}");
    let newer = Options { version: ServerVersion(170_011), ..options() };
    assert!(refused(|it| it.may_reindex = false, &newer).words.contains("MAINTAIN"));
    let deferrable = Reindexable { is_deferrable: true, ..index(2, "i") };
    assert_eq!(planned(&facts(vec![(deferrable, 100)]), &newer), ["i ToDo bloated"]);
}

#[test]
fn a_leftover_goes_with_its_index_or_alone() {
    let left = Reindexable { is_whole: false, ..index(3, "i_ccnew") };
    let own = Reindexable { is_whole: false, ..index(4, "other_ccnew") };
    let all = |fresh| vec![(index(2, "i"), fresh), (left.clone(), 1), (own.clone(), 1)];
    assert_eq!(
        planned(&facts(all(1000)), &options()),
        ["i_ccnew ToDo leftover", "other_ccnew ToDo invalid"]
    );
    let plan = plan(&facts(all(100)), &options()).unwrap();
    assert_eq!(plan.steps.len(), 2);
    let texts = plan.steps[1].statements.iter().flat_map(Statement::texts).collect::<Vec<_>>();
    assert_eq!(
        texts,
        ["DROP INDEX CONCURRENTLY public.i_ccnew", "REINDEX INDEX CONCURRENTLY public.i"]
    );
}

#[test]
fn the_index_of_a_partitioned_table_means_its_parts() {
    let whole = Reindexable { is_partitioned: true, ..index(2, "whole") };
    let part = |oid, name| Reindexable { parent: Some(2), ..index(oid, name) };
    let facts =
        facts(vec![(whole, 1), (part(3, "a"), 900), (part(4, "b"), 900), (index(5, "c"), 1)]);
    assert_eq!(planned(&facts, &named("whole")), ["a ToDo asked-for", "b ToDo asked-for"]);
    let failure = plan(&facts, &named("wole")).unwrap_err();
    assert!(failure.to_string().contains("no index wole"), "{failure}");
}

#[test]
fn what_pgtend_has_built_since_the_server_was_started_is_not_suspect() {
    let mut facts = facts(vec![
        (index(1, "old"), 1000),
        (index(2, "fresh"), 1000),
        (index(3, "other"), 1000),
    ]);
    let suspicion = Suspicion { why: "sorted otherwise".to_owned(), update_to: None };
    facts.suspicions = [(1, suspicion.clone()), (2, suspicion.clone())].into();
    let birth = |is_by_this_server| Birth {
        bytes: 1.0,
        rows: 1.0,
        ago: Duration::from_secs(60),
        is_by_this_server,
    };
    facts.births = [
        ("public.old".to_owned(), birth(false)),
        ("public.fresh".to_owned(), birth(true)),
    ]
    .into();
    let options = Options { only_needed: false, only_suspect: true, ..options() };
    let verdicts = |facts: &Facts| {
        let plan = plan(facts, &options).unwrap();
        let steps = plan
            .steps
            .iter()
            .map(|step| (step.object.name.clone(), step.verdict, step.reason.code.name()));
        let mut steps = steps.collect::<Vec<_>>();
        steps.sort_by(|one, other| one.0.cmp(&other.0));
        steps
    };
    let not = |name: &str| (name.to_owned(), Verdict::LeftOut, "not-suspect");
    let suspect = ("old".to_owned(), Verdict::ToDo, "suspect");
    assert_eq!(verdicts(&facts), [not("fresh"), suspect, not("other")]);
    // A rebuild by the release that made the error may be damaged, too.
    let update = Suspicion { update_to: Some(ServerVersion(150_020)), ..suspicion };
    facts.suspicions = [(1, update)].into();
    let refused = ("old".to_owned(), Verdict::Refused, "update-first");
    assert_eq!(verdicts(&facts), [not("fresh"), refused, not("other")]);
}
