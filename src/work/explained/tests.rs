use serde_json::json;

use super::condition::{ConditionColumn, PlanCondition};
use super::*;
use crate::declared::{DeclaredIndex, Others, SqlFile, understand};
use crate::facts::explain::TableSize;

fn table(name: &str, rows: f64, bytes: i64) -> (RelationName, TableSize) {
    let size = TableSize { rows: Some(rows), bytes: Some(bytes), partition_of: None };
    (RelationName::qualified("public", name), size)
}

fn partition(name: &str, of: &str, rows: f64, bytes: i64) -> (RelationName, TableSize) {
    let (name, size) = table(name, rows, bytes);
    (
        name,
        TableSize {
            partition_of: Some(RelationName::qualified("public", of)),
            ..size
        },
    )
}

/// 4 MiB to sort, 8 MiB to hash.
fn facts(tables: &[(RelationName, TableSize)]) -> TableFacts {
    TableFacts {
        tables: tables.iter().cloned().collect(),
        work_mem_bytes: 4 << 20,
        hash_mem_bytes: 8 << 20,
        random_page_cost: 4.0,
    }
}

fn sales() -> TableFacts {
    facts(&[table("sales", 400_000.0, 34 << 20), table("users", 100.0, 16384)])
}

/// A node with the given properties over others, as EXPLAIN numbers their places.
fn node(kind: &str, rows: u64, more: Value, children: Vec<Value>) -> Value {
    let mut node = json!({
        "Node Type": kind, "Parallel Aware": false, "Startup Cost": 0.0, "Total Cost": 12.5,
        "Plan Rows": rows, "Plan Width": 100,
    });
    let fields = node.as_object_mut().unwrap();
    let Value::Object(more) = more else {
        panic!("{more} is no object")
    };
    fields.extend(more);
    if !children.is_empty() {
        let places = ["Outer", "Inner"].into_iter().chain(std::iter::repeat("Member"));
        let placed = children.into_iter().zip(places).map(|(mut child, place)| {
            let child_fields = child.as_object_mut().unwrap();
            child_fields.entry("Parent Relationship").or_insert(place.into());
            child
        });
        fields.insert("Plans".to_owned(), placed.collect());
    }
    node
}

fn seq_scan(table: &str, alias: &str, rows: u64, filter: &str) -> Value {
    let mut more = json!({ "Schema": "public", "Relation Name": table, "Alias": alias });
    if !filter.is_empty() {
        more["Filter"] = filter.into();
    }
    node("Seq Scan", rows, more, vec![])
}

fn document(node: Value) -> Value {
    let mut document = json!([{}]);
    document[0]["Plan"] = node;
    document
}

fn remarks(plan: Value, facts: &TableFacts) -> Vec<String> {
    let reading = read(&document(plan), facts);
    let line = |remark: Remark| {
        let relation = remark.relation.map(|relation| format!(" {relation}")).unwrap_or_default();
        format!("{}{relation}: {}", remark.kind, remark.message)
    };
    reading.remarks.into_iter().map(line).collect()
}

const FILTER: &str = "((sales.status)::text = $1)";

#[test]
fn a_plan_is_shown_as_people_know_it() {
    let index = json!({
        "Schema": "public", "Relation Name": "users", "Alias": "u", "Index Name": "users_pkey",
        "Scan Direction": "Forward", "Index Cond": "(u.id = s.user_id)",
    });
    let found = json!({ "Index Name": "Sales day", "Index Cond": "(s.day = $1)" });
    let heap = json!({ "Schema": "public", "Relation Name": "sales", "Alias": "s",
        "Recheck Cond": "(s.day = $1)", "Filter": "(s.amount > $2)" });
    let join = node(
        "Nested Loop",
        3,
        json!({ "Join Type": "Left" }),
        vec![
            node("Bitmap Heap Scan", 3, heap, vec![node("Bitmap Index Scan", 9, found, vec![])]),
            node("Index Scan", 1, index, vec![]),
        ],
    );
    let keys = json!({ "Strategy": "Sorted", "Partial Mode": "Simple", "Group Key": ["a", "b"] });
    let plan = document(node("Aggregate", 1, keys, vec![join]));
    let reading = read(&plan, &sales());
    let wanted = [
        "GroupAggregate  (cost=0.00..12.50 rows=1 width=100)",
        "  Group Key: a, b",
        "  ->  Nested Loop Left Join  (cost=0.00..12.50 rows=3 width=100)",
        "        ->  Bitmap Heap Scan on public.sales s  (cost=0.00..12.50 rows=3 width=100)",
        "              Recheck Cond: (s.day = $1)",
        "              Filter: (s.amount > $2)",
        "              ->  Bitmap Index Scan on \"Sales day\"  (cost=0.00..12.50 rows=9 width=100)",
        "                    Index Cond: (s.day = $1)",
        "        ->  Index Scan using users_pkey on public.users u  (cost=0.00..12.50 rows=1 width=100)",
        "              Index Cond: (u.id = s.user_id)",
    ];
    assert_eq!(reading.tree, wanted);
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|name| RelationName::qualified("public", *name))
            .collect::<Vec<_>>()
    };
    assert_eq!(reading.relations, names(&["sales", "users"]));
    assert_eq!(reading.indexes, names(&["Sales day", "users_pkey"]));
    assert_eq!(reading.remarks, []);
    assert_eq!(relations(&plan), reading.relations);
}

#[test]
fn what_is_not_a_plan_or_unknown_is_passed_by() {
    for odd in [
        json!(null),
        json!([]),
        json!({}),
        json!(["NOTIFY"]),
        json!([{ "Plan": 1 }]),
        json!([{ "Plan": { "Plans": [] } }]),
    ] {
        assert_eq!(read(&odd, &sales()), PlanReading::default(), "{odd}");
    }
    let strange = json!({ "Node Type": "Quantum Scan", "Plans": [1, {}, { "Plan Rows": "many" }],
        "Filter": 7, "Sort Key": [1], "Alias": "q" });
    let reading = read(&strange, &sales());
    assert_eq!(reading.tree.len(), 4, "{:?}", reading.tree);
    assert!(reading.tree[0].starts_with("Quantum Scan"), "{:?}", reading.tree);
    assert_eq!(reading.remarks, []);
    let nothing = TableFacts::default();
    let scan = seq_scan("sales", "sales", 4, FILTER);
    let plan = node("Sort", 1_000_000, json!({ "Sort Key": ["sales.day"] }), vec![scan]);
    assert_eq!(remarks(plan, &nothing), [""; 0]);
}

#[test]
fn a_sequential_scan_of_a_large_table_is_told() {
    let scan = seq_scan("sales", "sales", 12, FILTER);
    let wanted = "seq_scan public.sales: reads all of it (400,000 rows, 34 MiB) to keep about 12: \
                  ((sales.status)::text = $1)";
    assert_eq!(remarks(scan.clone(), &sales()), [wanted]);
    assert_eq!(
        remarks(seq_scan("sales", "sales", 400_000, ""), &sales()),
        ["seq_scan public.sales: reads all of it (400,000 rows, 34 MiB), without a filter"]
    );
    assert_eq!(remarks(seq_scan("users", "users", 1, "(users.id = $1)"), &sales()), [""; 0]);
    // A table that was never analyzed has no size.
    let mut young = facts(&[table("sales", 100_000.0, 0)]);
    young.tables.values_mut().for_each(|size| size.bytes = None);
    assert_eq!(
        remarks(seq_scan("sales", "sales", 1, ""), &young),
        ["seq_scan public.sales: reads all of it (100,000 rows), without a filter"]
    );

    // What the LIMIT ends needs no remark; with a filter nobody knows when it does.
    let limit = |below| node("Limit", 10, json!({}), vec![below]);
    assert_eq!(remarks(limit(seq_scan("sales", "sales", 400_000, "")), &sales()), [""; 0]);
    let told = remarks(limit(scan.clone()), &sales());
    assert!(told[0].contains("until the LIMIT is reached"), "{told:?}");
    let sorted = node("Sort", 12, json!({ "Sort Key": ["sales.day"] }), vec![scan.clone()]);
    assert_eq!(remarks(limit(sorted), &sales()), [wanted]);

    // Two workers and what the leader has time for.
    let mut part = scan;
    part["Parallel Aware"] = true.into();
    let told = remarks(node("Gather", 29, json!({ "Workers Planned": 2 }), vec![part]), &sales());
    assert!(told[0].contains("to keep about 29:"), "{told:?}");
}

#[test]
fn the_partitions_of_a_table_are_told_as_one() {
    let facts = facts(&[
        partition("sales_1", "sales", 50_000.0, 5 << 20),
        partition("sales_2", "sales", 50_000.0, 5 << 20),
        table("other", 50_000.0, 5 << 20),
    ]);
    let scans = vec![
        seq_scan("sales_1", "sales_1", 2, "(sales_1.status = $1)"),
        seq_scan("sales_2", "sales_2", 3, "(sales_2.status = $1)"),
        seq_scan("other", "other", 3, ""),
    ];
    let append = node("Append", 5, json!({ "Subplans Removed": 0 }), scans);
    let wanted = "seq_scan public.sales: reads all of 2 partitions (100,000 rows, 10 MiB) to keep \
                  about 5: (sales_1.status = $1)";
    assert_eq!(remarks(append.clone(), &facts), [wanted]);
    let missing = declared("CREATE INDEX a ON sales (status); CREATE INDEX b ON sales (day);");
    let sort = node("Sort", 5000, json!({ "Sort Key": ["sales.day DESC"] }), vec![append]);
    let plan = document(node("Limit", 10, json!({}), vec![sort]));
    let served = served_by(&read(&plan, &facts), &plan, &missing);
    assert_eq!(served.len(), 2, "{served:?}");
    assert!(served[0].1.contains("public.sales filters by status"), "{served:?}");
    assert!(served[1].1.contains("sorted by sales.day DESC"), "{served:?}");
}

#[test]
fn what_does_not_fit_into_memory_is_told() {
    let scan = || seq_scan("users", "users", 100, "");
    let keys = json!({ "Sort Key": ["users.name DESC", "users.id"] });
    let sort = node("Sort", 100_000, keys, vec![scan()]);
    assert_eq!(
        remarks(sort.clone(), &sales()),
        [
            "spill: sorts about 12 MiB by users.name DESC, users.id: more than work_mem (4.0 MiB), so on disk"
        ]
    );
    let gathered = node("Gather Merge", 9, json!({ "Workers Planned": 2 }), vec![sort.clone()]);
    for below in [sort, gathered] {
        assert_eq!(remarks(node("Limit", 10, json!({}), vec![below]), &sales()), [""; 0]);
    }
    let told = remarks(node("Hash", 100_000, json!({}), vec![scan()]), &sales());
    assert!(
        told[0].starts_with("spill public.users: hashes about 12 MiB: more than"),
        "{told:?}"
    );
    assert_eq!(remarks(node("Hash", 50_000, json!({}), vec![scan()]), &sales()), [""; 0]);
    let groups =
        json!({ "Strategy": "Hashed", "Planned Partitions": 8, "Group Key": ["users.id"] });
    assert_eq!(
        remarks(node("Aggregate", 1_234_567, groups, vec![scan()]), &sales()),
        ["spill: about 1,230,000 groups by users.id are too many for memory, so on disk"]
    );
}

#[test]
fn a_scan_that_is_repeated_is_told() {
    let join = |outer, inner| {
        let filter = json!({ "Join Filter": "(o.user_id = u.id)", "Join Type": "Inner" });
        node("Nested Loop", 5, filter, vec![seq_scan("orders", "o", outer, ""), inner])
    };
    let users = || seq_scan("users", "u", 100, "");
    assert_eq!(
        remarks(join(5000, users()), &sales()),
        [
            "repeated_seq_scan public.users: gone through for each of about 5,000 rows: (o.user_id = u.id)"
        ]
    );
    let kept = node("Materialize", 100, json!({}), vec![users()]);
    let told = remarks(join(5000, kept), &sales());
    assert!(told[0].contains("kept in memory and gone through for each of about 5,000 rows"));
    assert_eq!(remarks(join(1, users()), &sales()), [""; 0]);
    assert_eq!(remarks(join(900, users()), &sales()), [""; 0]);

    let mut below = seq_scan("users", "u", 1, "(u.id = sales.user_id)");
    below["Parent Relationship"] = "SubPlan".into();
    below["Subplan Name"] = "SubPlan 1".into();
    let mut scan = seq_scan("sales", "sales", 10, "(sales.amount > (SubPlan 1))");
    scan["Plans"] = json!([below]);
    let told = remarks(scan.clone(), &sales());
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(
        told[1],
        "repeated_seq_scan public.users: gone through by SubPlan 1 for each of about 400,000 rows: \
         (u.id = sales.user_id)"
    );
    scan["Filter"] = "(ANY (sales.user_id = (hashed SubPlan 1).col1))".into();
    assert_eq!(remarks(scan.clone(), &sales()).len(), 1);
    scan["Filter"] = "(sales.user_id = (InitPlan 1).col1)".into();
    scan["Plans"][0]["Parent Relationship"] = "InitPlan".into();
    assert_eq!(remarks(scan, &sales()).len(), 1);
}

#[test]
fn a_cte_is_part_of_the_plan() {
    let mut cte = seq_scan("sales", "sales", 12, FILTER);
    cte["Parent Relationship"] = "InitPlan".into();
    cte["Subplan Name"] = "CTE recent".into();
    let scan = json!({ "CTE Name": "recent", "Alias": "r", "Plans": [cte] });
    let reading = read(&document(node("CTE Scan", 12, scan, vec![])), &sales());
    assert_eq!(reading.tree[0], "CTE Scan on recent r  (cost=0.00..12.50 rows=12 width=100)");
    assert_eq!(reading.tree[1], "  CTE recent");
    assert!(reading.tree[2].starts_with("  ->  Seq Scan on public.sales  ("), "{reading:?}");
    assert_eq!(reading.remarks.len(), 1);
}

#[test]
fn a_filter_after_the_index_is_told_where_it_leaves_little() {
    let scan = |cost: f64, rows| {
        let more = json!({ "Schema": "public", "Relation Name": "sales", "Alias": "sales",
            "Index Name": "sales_user", "Index Cond": "(sales.user_id = $1)", "Filter": FILTER,
            "Total Cost": cost });
        node("Index Scan", rows, more, vec![])
    };
    assert_eq!(
        remarks(scan(16_000.0, 7), &sales()),
        [
            "late_filter public.sales: fetches about 2,000 rows or more through public.sales_user to \
          keep about 7: ((sales.status)::text = $1)"
        ]
    );
    assert_eq!(remarks(scan(16_000.0, 1900), &sales()), [""; 0]);
    assert_eq!(remarks(scan(8.44, 1), &sales()), [""; 0]);
    let bitmap = |found| {
        let index = node("Bitmap Index Scan", found, json!({ "Index Name": "sales_user" }), vec![]);
        let heap = json!({ "Schema": "public", "Relation Name": "sales", "Filter": FILTER });
        node("Bitmap Heap Scan", 7, heap, vec![index])
    };
    let told = remarks(bitmap(5000), &sales());
    assert!(told[0].contains("about 5,000 rows or more through public.sales_user to keep"));
    assert_eq!(remarks(bitmap(50), &sales()), [""; 0]);
}

fn declared(sql: &str) -> Vec<DeclaredIndex> {
    let file = SqlFile { name: "declared.sql".into(), text: sql.to_owned() };
    understand(&[file], Others::Refuse).unwrap().indexes
}

fn served(plan: Value, sql: &str) -> Vec<String> {
    let (plan, missing) = (document(plan), declared(sql));
    let served = served_by(&read(&plan, &sales()), &plan, &missing);
    served
        .into_iter()
        .map(|(index, why)| format!("{}: {why}", index.definition))
        .collect()
}

#[test]
fn a_missing_index_serves_what_its_first_column_is_compared_for() {
    let missing = "CREATE INDEX a ON sales (status, day);
        CREATE INDEX b ON sales USING hash (day);
        CREATE INDEX c ON public.sales (amount) WHERE open;
        CREATE INDEX d ON other.sales (status);
        CREATE INDEX e ON users (status);
        CREATE INDEX f ON sales (lower(status));
        CREATE INDEX g ON sales (day, status)";
    let filter = "(((sales.status)::text = $1) AND (sales.amount > $2))";
    assert_eq!(
        served(seq_scan("sales", "sales", 12, filter), missing),
        [
            format!(
                "(status, day): the sequential scan of public.sales filters by status: {filter}"
            ),
            format!(
                "(amount) WHERE open: the sequential scan of public.sales filters by amount: \
                 {filter}, where the index's predicate holds"
            ),
        ]
    );
    let sort_of = |rows, key: &str, below| {
        let sort = node("Sort", rows, json!({ "Sort Key": [key] }), vec![below]);
        node("Limit", 10, json!({}), vec![sort])
    };
    let sort = |key, below| sort_of(90_000, key, below);
    let few = sort_of(90, "sales.day", seq_scan("sales", "sales", 90, ""));
    assert_eq!(served(few, missing), [""; 0]);
    let keys = json!({ "Sort Key": ["sales.day"] });
    let all = node("Sort", 90_000, keys, vec![seq_scan("sales", "sales", 90_000, "")]);
    assert_eq!(served(all, missing), [""; 0]);
    let by_day = sort("sales.day DESC NULLS LAST", seq_scan("sales", "sales", 12, ""));
    assert_eq!(
        served(by_day, missing),
        ["(day, status): the rows of public.sales are sorted by sales.day DESC NULLS LAST"]
    );
    // What is sorted after a join is not read in the order of one table's index.
    let join = node(
        "Hash Join",
        5,
        json!({}),
        vec![
            seq_scan("sales", "sales", 400_000, ""),
            node("Hash", 90_000, json!({}), vec![seq_scan("users", "users", 90_000, "")]),
        ],
    );
    assert_eq!(served(sort("sales.day", join), missing), [""; 0]);
}

#[test]
fn a_missing_index_serves_a_join_that_looks_few_rows_up() {
    let join = |users| {
        let hash = node("Hash", users, json!({}), vec![seq_scan("users", "u", users, "")]);
        let scan = seq_scan("sales", "s", 400_000, "");
        let condition = json!({ "Hash Cond": "(s.user_id = u.id)", "Join Type": "Inner" });
        node("Hash Join", 5, condition, vec![scan, hash])
    };
    let missing = "CREATE INDEX a ON sales (user_id); CREATE INDEX b ON users (id)";
    let wanted =
        "(user_id): public.sales is read sequentially to join by user_id: (s.user_id = u.id)";
    assert_eq!(served(join(3), missing), [wanted]);
    assert_eq!(served(join(90_000), missing), [""; 0]);
    let filter = json!({ "Join Filter": "(s.user_id = u.id)" });
    let inner = node("Materialize", 9, json!({}), vec![seq_scan("sales", "s", 9, "")]);
    let looped = node("Nested Loop", 5, filter, vec![seq_scan("users", "u", 9, ""), inner]);
    assert_eq!(served(looped, missing), [wanted]);
}

#[test]
fn conditions_are_understood_as_far_as_an_index_is() {
    let btree = |operator: &str| matches!(operator, "=" | "<" | "<=" | ">" | ">=");
    let any = |operator: &str| !matches!(operator, "," | "[" | "]" | "<>");
    let a = |text: &str| {
        let column = ConditionColumn { alias: Some("t"), name: "a" };
        PlanCondition::read(text).is_found_by(column, btree)
    };
    for found in [
        "(t.a = $1)",
        "($1 = t.a)",
        "((t.a)::text = ($1)::text)",
        "((t.a >= $1) AND (t.a < ($1 + '1 day'::interval)))",
        "((t.b = 'x) OR (y'::text) AND (t.a = E'it''s \\\\'))",
        "(t.a = ANY ($1))",
        "(t.a IS NULL)",
        "t.a",
        "(NOT t.a)",
        "(ROW(t.a, t.b) > ROW($1, $2))",
        "(t.a = (InitPlan 1).col1)",
        "(t.a = $0)",
    ] {
        assert!(a(found), "{found}");
    }
    for not in [
        "",
        "(t.a <> $1)",
        "(t.a IS NOT NULL)",
        "(t.a IS DISTINCT FROM $1)",
        "(t.a <> ALL ($1))",
        "(t.a = ALL ($1))",
        "(u.a = $1)",
        "(t.ab = $1)",
        "(t.\"A\" = $1)",
        "(lower((t.a)::text) = $1)",
        "((t.a)::date = $1)",
        "((t.a + 1) = $1)",
        "((t.a = $1) OR (t.b = $2))",
        "(t.a ~~ $1)",
        "(ROW(t.b, t.a) > ROW($1, $2))",
        "(t.b = 't.a = 1'::text)",
        "(hashed SubPlan 1)",
        "))((",
        "t.",
        "::",
        "'",
        "\"",
    ] {
        assert!(!a(not), "{not}");
    }
    let odd = ConditionColumn { alias: Some("My t"), name: "we\"ird.é" };
    assert!(PlanCondition::read("(\"My t\".\"we\"\"ird.é\" = $1)").is_found_by(odd, btree));
    let tags = ConditionColumn { alias: Some("t"), name: "tags" };
    assert!(PlanCondition::read("(t.tags @> $1)").is_found_by(tags, any));
    assert!(PlanCondition::read("(t.tags && '{a,b}'::text[])").is_found_by(tags, any));
    assert!(!PlanCondition::read(&"(".repeat(1_000_000)).is_found_by(tags, any));

    let key = |text: &str| {
        PlanCondition::read(text).is_column(ConditionColumn { alias: None, name: "a" })
    };
    assert!(key("t.a") && key("t.a DESC NULLS LAST") && key("a") && key("((t.a)::text)"));
    assert!(!key("lower(t.a)") && !key("t.b") && !key("") && !key("DESC") && !key("(t.a + t.b)"));
}
