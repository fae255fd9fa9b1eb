//! Indexes of partitioned tables: made part by part, without a lock that anybody would notice, until
//! the parent's index is valid.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::{Database, Output, until};

/// Two levels, three leaves.
const ORDERS: &str = "
    CREATE TABLE orders (id int, region text, year int, amount int) PARTITION BY LIST (region);
    CREATE TABLE orders_north PARTITION OF orders FOR VALUES IN ('north') PARTITION BY RANGE (year);
    CREATE TABLE orders_north_old PARTITION OF orders_north FOR VALUES FROM (0) TO (2020);
    CREATE TABLE orders_north_new PARTITION OF orders_north FOR VALUES FROM (2020) TO (3000);
    CREATE TABLE orders_south PARTITION OF orders FOR VALUES IN ('south');
    INSERT INTO orders
      SELECT n, CASE WHEN n % 3 = 0 THEN 'south' ELSE 'north' END, 2010 + n % 20, n
      FROM generate_series(1, 2000) n;";

const ORDERS_AMOUNT: &str = "CREATE INDEX orders_amount ON orders (amount);";

/// The indexes that it comes to, and what has to be sent for it, in alphabetical order.
const PARTS: &str = "orders_amount, orders_north_new_orders_amount, orders_north_old_orders_amount, \
                     orders_north_orders_amount, orders_south_orders_amount";
const SENT: [&str; 9] = [
    "ALTER INDEX public.orders_amount ATTACH PARTITION public.orders_north_orders_amount",
    "ALTER INDEX public.orders_amount ATTACH PARTITION public.orders_south_orders_amount",
    "ALTER INDEX public.orders_north_orders_amount \
     ATTACH PARTITION public.orders_north_new_orders_amount",
    "ALTER INDEX public.orders_north_orders_amount \
     ATTACH PARTITION public.orders_north_old_orders_amount",
    "CREATE INDEX CONCURRENTLY orders_north_new_orders_amount ON public.orders_north_new (amount)",
    "CREATE INDEX CONCURRENTLY orders_north_old_orders_amount ON public.orders_north_old (amount)",
    "CREATE INDEX CONCURRENTLY orders_south_orders_amount ON public.orders_south (amount)",
    "CREATE INDEX orders_amount ON ONLY public.orders (amount)",
    "CREATE INDEX orders_north_orders_amount ON ONLY public.orders_north (amount)",
];

const AT_THE_END: &str = "waiting for old snapshots";

async fn with_orders() -> Database {
    let db = Database::new().await;
    db.sql(ORDERS).await;
    db
}

/// The index and all that is attached to it, in alphabetical order.
async fn parts(db: &Database, index: &str) -> String {
    db.value(&format!(
        "SELECT string_agg(relid::regclass::text, ', ' ORDER BY relid::regclass::text) \
         FROM pg_partition_tree('{index}')"
    ))
    .await
}

fn sorted(mut statements: Vec<String>) -> Vec<String> {
    statements.sort();
    statements
}

/// Fails unless the run made the index valid with these parts, nothing is left over, and another
/// run finds nothing to do.
async fn assert_made(db: &Database, output: Output, declared: &str, wanted: &str) {
    let output = output.expect(0).came_to("done");
    db.assert_whole("orders_amount").await;
    assert_eq!(parts(db, "orders_amount").await, wanted, "{output}");
    assert_eq!(db.leftovers().await, "", "{output}");
    let sent = db.applied();
    db.apply(&[declared]).expect(0).came_to("nothing_to_do");
    assert_eq!(db.applied(), sent);
    db.pgtend(&["plan", "--check", declared]).expect(0);
}

#[tokio::test]
async fn an_index_is_made_alone_on_parents_concurrently_on_leaves_and_attached() {
    let db = with_orders().await;
    let declared = db.declare(ORDERS_AMOUNT);

    let output = db.apply(&[&declared]);
    assert_eq!(sorted(db.applied()), SENT, "{output}");
    // Parents first, then leaves, attached from the bottom up.
    let first = db.applied().remove(0);
    assert_eq!(first, SENT[7]);
    let last = db
        .applied()
        .into_iter()
        .filter(|sql| sql.starts_with("ALTER"))
        .collect::<Vec<_>>();
    let at = |wanted: &str| last.iter().position(|sql| sql == wanted).unwrap();
    assert!(at(SENT[0]) > at(SENT[2]) && at(SENT[0]) > at(SENT[3]), "{last:?}");
    assert_made(&db, output, &declared, PARTS).await;
}

#[tokio::test]
async fn an_equal_index_of_a_leaf_becomes_its_part() {
    let db = with_orders().await;
    // This leaf has its columns in another order, and one more.
    db.sql(
        "CREATE TABLE orders_west (note text, amount int, year int, region text, id int);
         INSERT INTO orders_west SELECT 'x', n, 2020, 'west', n FROM generate_series(1, 100) n;
         ALTER TABLE orders_west DROP note;
         ALTER TABLE orders ATTACH PARTITION orders_west FOR VALUES IN ('west');
         CREATE INDEX west ON orders_west (year, lower(region)) WHERE amount > 10;
         CREATE INDEX almost ON orders_south (year, lower(region)) WHERE amount > 9",
    )
    .await;
    let oid = db.index("west").await.unwrap().oid;
    let declare = "CREATE INDEX orders_amount ON orders (year, lower(region)) WHERE amount > 10;";
    let declared = db.declare(declare);

    let output = db.apply(&[&declared]);
    let builds = db.applied().into_iter().filter(|sql| sql.contains("CONCURRENTLY"));
    assert!(builds.into_iter().all(|sql| !sql.contains("orders_west")));
    assert_made(&db, output, &declared, &format!("{PARTS}, west")).await;
    assert_eq!(db.assert_whole("west").await.oid, oid);
    assert_eq!(db.index_names("orders_south").await, "almost, orders_south_orders_amount");
}

#[tokio::test]
async fn a_leaf_with_its_columns_in_another_order_gets_its_part() {
    let db = with_orders().await;
    db.sql(
        "CREATE TABLE orders_west (amount int, year int, region text, id int);
         INSERT INTO orders_west SELECT n, 2020, 'west', n FROM generate_series(1, 100) n;
         ALTER TABLE orders ATTACH PARTITION orders_west FOR VALUES IN ('west')",
    )
    .await;
    let declared = db.declare(ORDERS_AMOUNT);

    let output = db.apply(&[&declared]);
    assert_made(&db, output, &declared, &format!("{PARTS}, orders_west_orders_amount")).await;
    let definition = db.assert_whole("orders_west_orders_amount").await.definition;
    assert!(
        definition.ends_with("ON public.orders_west USING btree (amount)"),
        "{definition}"
    );
}

#[tokio::test]
async fn an_invalid_part_that_is_not_attached_is_built_anew() {
    let db = with_orders().await;
    let create = "CREATE INDEX CONCURRENTLY orders_south_orders_amount ON orders_south (amount)";
    db.leave_unfilled("orders_south", create).await;
    let declared = db.declare(ORDERS_AMOUNT);

    let output = db.apply(&[&declared]);
    let drop = "DROP INDEX CONCURRENTLY public.orders_south_orders_amount".to_owned();
    assert_eq!(sorted(db.applied()), sorted([&SENT.map(str::to_owned)[..], &[drop]].concat()));
    assert_made(&db, output, &declared, PARTS).await;
}

#[tokio::test]
async fn an_invalid_part_that_is_attached_is_rebuilt_where_it_is() {
    let db = with_orders().await;
    db.sql("CREATE INDEX orders_amount ON ONLY orders (amount)").await;
    db.leave_unvalidated("CREATE INDEX CONCURRENTLY broken ON orders_south (amount)")
        .await;
    db.sql("ALTER INDEX orders_amount ATTACH PARTITION broken").await;
    assert!(!db.index("broken").await.unwrap().valid);
    let declared = db.declare(ORDERS_AMOUNT);

    let output = db.apply(&[&declared]);
    assert!(db.applied().contains(&"REINDEX INDEX CONCURRENTLY public.broken".to_owned()));
    let wanted = format!("broken, {}", PARTS.replace(", orders_south_orders_amount", ""));
    assert_made(&db, output, &declared, &wanted).await;
    db.assert_whole("broken").await;
}

#[tokio::test]
async fn what_an_interrupted_run_left_is_finished_by_the_next_one() {
    let db = with_orders().await;
    let declared = db.declare(ORDERS_AMOUNT);
    let snapshot = db.old_snapshot().await;
    let running = db.start_apply(&["--jobs", "2", &declared]);
    db.until_phase(AT_THE_END, 2).await;

    running.signal("INT");
    let output = running.wait_within(Duration::from_secs(10)).expect(130).came_to("cancelled");
    // The parents' indexes hold nothing and cost nothing; they are not there for queries yet.
    let parents = "orders_amount, orders_north_orders_amount";
    assert_eq!(db.leftovers().await, parents, "{output}");
    snapshot.release().await;
    let output = db.apply(&[&declared]);
    assert_made(&db, output, &declared, PARTS).await;
}

#[tokio::test]
async fn a_partition_that_is_added_meanwhile_gets_its_part_too() {
    let db = with_orders().await;
    let declared = db.declare(ORDERS_AMOUNT);
    let writer = db.writer("orders_south").await;
    let running = db.start_apply(&[&declared]);
    db.until_phase("waiting for writers before build", 1).await;

    db.sql(
        "CREATE TABLE orders_east PARTITION OF orders FOR VALUES IN ('east');
         CREATE TABLE orders_north_future PARTITION OF orders_north FOR VALUES FROM (3000) TO (4000);
         INSERT INTO orders SELECT n, 'east', 2020, n FROM generate_series(1, 100) n",
    )
    .await;
    writer.release().await;
    let output = running.wait().expect(0).came_to("done");
    let added = db.value("SELECT count(*) FROM pg_partition_tree('orders_amount')").await;
    assert_eq!(added, "7", "{output}");
    let wanted = parts(&db, "orders_amount").await;
    assert_made(&db, output, &declared, &wanted).await;
}

#[tokio::test]
async fn a_partition_that_is_attached_meanwhile_is_no_hindrance() {
    let db = with_orders().await;
    db.sql("CREATE TABLE orders_west (LIKE orders); INSERT INTO orders_west VALUES (1, 'west')")
        .await;
    let declared = db.declare(ORDERS_AMOUNT);
    let writer = db.writer("orders_south").await;
    let running = db.start_apply(&[&declared]);
    db.until_phase("waiting for writers before build", 1).await;

    db.sql("ALTER TABLE orders ATTACH PARTITION orders_west FOR VALUES IN ('west')")
        .await;
    writer.release().await;
    let output = running.wait();
    let wanted = parts(&db, "orders_amount").await;
    assert_eq!(wanted.matches(", ").count(), 5, "{wanted}");
    assert_made(&db, output, &declared, &wanted).await;
}

#[tokio::test]
async fn a_unique_index_without_the_partition_key_is_refused_before_anything_is_sent() {
    let db = with_orders().await;

    for (columns, lacking) in [
        ("id", "of public.orders, and lacks region"),
        ("id, region", "of public.orders_north, and lacks year"),
    ] {
        let declared =
            db.declare(&format!("CREATE UNIQUE INDEX orders_key ON orders ({columns});"));
        let output = db.apply(&[&declared]).expect(4).came_to("failed");
        let reason = output.step("public.orders_key").reason;
        assert!(reason.ends_with(lacking), "{reason}");
        db.pgtend(&["plan", "--check", &declared]).expect(1);
    }
    assert!(db.applied().is_empty(), "{:?}", db.applied());
    assert_eq!(db.index("orders_key").await, None);
}

#[tokio::test]
async fn a_unique_index_with_the_partition_key_is_built_and_rejects_rows() {
    let db = with_orders().await;
    let declared = db.declare("CREATE UNIQUE INDEX orders_key ON orders (id, region, year);");

    db.apply(&[&declared]).expect(0).came_to("done");
    db.assert_whole("orders_key").await;
    assert_eq!(parts(&db, "orders_key").await.matches(", ").count(), 4);
    assert_eq!(db.leftovers().await, "");
    assert_eq!(db.refused("INSERT INTO orders VALUES (3, 'south', 2013, 0)").await, "23505");
    db.apply(&[&declared]).expect(0).came_to("nothing_to_do");
}

#[tokio::test]
async fn a_unique_index_that_a_leaf_contradicts_leaves_nothing_that_rejects_rows() {
    let db = with_orders().await;
    db.sql("INSERT INTO orders VALUES (3, 'south', 2013, 0)").await;
    let declared = db.declare("CREATE UNIQUE INDEX orders_key ON orders (id, region, year);");

    let output = db.apply(&[&declared]).expect(4).came_to("failed");
    let step = output.step("public.orders_key");
    assert_eq!(step.sqlstate.as_deref(), Some("23505"), "{output}");
    assert!(step.reason.contains("orders_south_orders_key"), "{}", step.reason);
    assert_eq!(db.leftovers().await, "orders_key, orders_north_orders_key", "{output}");
    assert_eq!(db.index("orders_south_orders_key").await, None);
    db.sql("INSERT INTO orders VALUES (6, 'south', 2016, 0)").await;
    db.sql("DELETE FROM orders WHERE amount = 0").await;
    db.apply(&[&declared]).expect(0).came_to("done");
    db.assert_whole("orders_key").await;
    assert_eq!(db.leftovers().await, "");
}

#[tokio::test]
async fn foreign_partitions_have_no_part_and_are_no_hindrance() {
    let db = with_orders().await;
    db.sql(
        "CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER far FOREIGN DATA WRAPPER nowhere;
         CREATE FOREIGN TABLE orders_far PARTITION OF orders FOR VALUES IN ('far') SERVER far",
    )
    .await;
    let unique = db.declare("CREATE UNIQUE INDEX orders_key ON orders (id, region, year);");
    let output = db.apply(&[&unique]).expect(4).came_to("failed");
    let reason = output.step("public.orders_key").reason;
    assert_eq!(reason, "a unique index cannot span foreign partitions");
    assert!(db.applied().is_empty());

    let declared = db.declare(ORDERS_AMOUNT);
    let output = db.apply(&[&declared]);
    let wanted = parts(&db, "orders_amount").await;
    for leaf in ["orders_north_new", "orders_north_old", "orders_south"] {
        assert!(wanted.contains(&format!("{leaf}_orders_amount")), "{wanted}\n{output}");
    }
    assert_eq!(wanted.matches(", ").count(), 4, "{wanted}");
    assert_made(&db, output, &declared, &wanted).await;
}

const FAR: &str = "
    CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER far FOREIGN DATA WRAPPER nowhere;";

/// A foreign partition of the table itself, and one further down.
const FOREIGN: [&str; 2] = [
    "CREATE FOREIGN TABLE orders_far PARTITION OF orders FOR VALUES IN ('far') SERVER far;",
    "CREATE TABLE orders_east PARTITION OF orders FOR VALUES IN ('east') PARTITION BY RANGE (year);
     CREATE TABLE orders_east_old PARTITION OF orders_east FOR VALUES FROM (0) TO (2020);
     CREATE FOREIGN TABLE orders_far PARTITION OF orders_east FOR VALUES FROM (2020) TO (3000) SERVER far;",
];

/// The tables that have more than one index, and the indexes that are part of nothing.
async fn surplus(db: &Database) -> String {
    db.value(
        "SELECT concat_ws('; ',
           (SELECT string_agg(t.name, ', ') FROM (
              SELECT indrelid::regclass::text AS name FROM pg_index
              WHERE indrelid::regclass::text LIKE 'orders%' GROUP BY 1 HAVING count(*) > 1) AS t),
           (SELECT string_agg(indexrelid::regclass::text, ', ') FROM pg_index
            WHERE indrelid::regclass::text LIKE 'orders\\_%'
              AND indexrelid NOT IN (SELECT inhrelid FROM pg_inherits)))",
    )
    .await
}

#[tokio::test]
async fn declared_parts_beside_a_foreign_partition_are_parts_at_any_depth() {
    let parts_of_north = "CREATE INDEX north_old ON orders_north_old (amount);
        CREATE INDEX north_new ON orders_north_new (amount);";
    let alone = format!(
        "CREATE INDEX orders_amount ON ONLY orders (amount);
         CREATE INDEX north ON ONLY orders_north (amount);
         {parts_of_north}
         ALTER INDEX north ATTACH PARTITION north_old;"
    );
    let down = format!(
        "{parts_of_north} CREATE INDEX north ON orders_north (amount);
         CREATE INDEX orders_amount ON orders (amount);"
    );
    let some = "CREATE INDEX orders_amount ON orders (amount);
                CREATE INDEX north ON orders_north (amount);";
    for foreign in FOREIGN {
        for declare in [alone.as_str(), &down, some] {
            let db = with_orders().await;
            db.sql(&format!("{FAR} {foreign}")).await;
            let declared = db.declare(declare);
            let output = db.apply(&["--jobs", "2", "--ignore-other", &declared]);
            let output = output.expect(0).came_to("done");
            db.assert_whole("orders_amount").await;
            assert_eq!(db.index_names("orders_north").await, "north", "{output}");
            assert_eq!(surplus(&db).await, "", "{output}");
            let sent = db.applied();
            let again = db.apply(&["--jobs", "2", "--ignore-other", &declared]);
            again.expect(0).came_to("nothing_to_do");
            assert_eq!(db.applied(), sent);
        }
    }
}

/// It serves queries all the same, through its parts.
#[tokio::test]
async fn an_index_that_a_foreign_partition_keeps_invalid_is_not_dropped_with_its_parts() {
    let db = with_orders().await;
    db.sql(&format!(
        "{FAR} {} CREATE INDEX orders_amount ON ONLY orders (amount);",
        FOREIGN[0]
    ))
    .await;
    let declared = db.declare(ORDERS_AMOUNT);
    db.apply(&[&declared]).expect(0).came_to("done");
    db.sql(
        "DROP INDEX orders_amount;
         CREATE INDEX orders_amount ON ONLY orders (amount);
         CREATE INDEX south ON orders_south (amount);
         ALTER INDEX orders_amount ATTACH PARTITION south",
    )
    .await;
    let sent = db.applied();
    let output = db.apply(&[&declared]).expect(4).came_to("failed");
    let reason = output.step("public.orders_amount").reason;
    assert!(
        reason.contains("DROP INDEX public.orders_amount drops them, too (1)"),
        "{reason}"
    );
    assert_eq!(db.applied(), sent);
    db.assert_whole("south").await;
}

#[tokio::test]
async fn drift_of_a_partitioned_index_is_reported_and_nothing_is_done() {
    let db = with_orders().await;
    db.sql("CREATE INDEX orders_amount ON orders (year)").await;
    let before = db.index_definitions("orders").await;
    let declared = db.declare(ORDERS_AMOUNT);

    for arguments in [&[declared.as_str()][..], &["--replace", &declared]] {
        let output = db.apply(arguments).expect(4).came_to("failed");
        let step = output.step("public.orders_amount");
        assert_eq!(step.status, "failed", "{output}");
        assert!(step.reason.starts_with("drifted ("), "{}", step.reason);
        assert!(
            step.reason.contains("does not replace the index of a partitioned"),
            "{}",
            step.reason
        );
    }
    db.pgtend(&["plan", "--check", &declared]).expect(1);
    assert!(db.applied().is_empty(), "{:?}", db.applied());
    assert_eq!(db.index_definitions("orders").await, before);
}

#[tokio::test]
async fn leaves_are_built_side_by_side() {
    let db = with_orders().await;
    let declared = db.declare(ORDERS_AMOUNT);
    let snapshot = db.old_snapshot().await;
    let running = db.start_apply(&["--jobs", "2", &declared]);
    db.until_phase(AT_THE_END, 2).await;

    let leaves = "SELECT count(DISTINCT relid) FROM pg_stat_progress_create_index \
                  WHERE datname = current_database()";
    assert_eq!(db.value(leaves).await, "2");
    let builds = || db.applied().iter().filter(|sql| sql.contains("CONCURRENTLY")).count();
    assert_eq!(builds(), 2, "{:?}", db.applied());
    snapshot.release().await;
    let output = running.wait();
    assert_eq!(builds(), 3, "{output}");
    assert_made(&db, output, &declared, PARTS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parent_that_is_locked_is_tried_again_and_nobody_is_held_up_for_long() {
    let db = with_orders().await;
    let declared = db.declare(ORDERS_AMOUNT);
    let insert = "INSERT INTO orders VALUES (0, 'south', 2020, 0)";
    let writer = db.hold(insert).await;
    let application = db.session().await;
    // pgtend's 500 ms, and some for the machine.
    application.batch_execute("SET lock_timeout = '700ms'").await.unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let works_until = Arc::clone(&over);
    let work = tokio::spawn(async move {
        let mut longest = Duration::ZERO;
        while !works_until.load(Ordering::Relaxed) {
            let since = Instant::now();
            application.batch_execute(insert).await.unwrap();
            longest = longest.max(since.elapsed());
        }
        longest
    });
    let mut running = db.start_apply(&[&declared]);

    running.until_it_says("tries again: ").await;
    assert_eq!(db.index("orders_amount").await, None);
    let tries = || {
        let sent = db.logged("pgtend/apply");
        sent.iter().filter(|sql| sql.contains("ON ONLY public.orders ")).count()
    };
    until("it has tried three times", || async { tries() >= 3 }).await;
    writer.release().await;
    let output = running.wait();
    over.store(true, Ordering::Relaxed);
    let longest = work.await.unwrap();
    assert!(longest > Duration::from_millis(100), "nobody was held up: {longest:?}");
    assert_made(&db, output, &declared, PARTS).await;
}

/// As pg_dump writes the indexes of `ORDERS`, with storage of its own on one partition.
const DUMPED: [&str; 9] = [
    "CREATE INDEX orders_amount ON ONLY public.orders USING btree (amount);",
    "CREATE INDEX north_amount ON ONLY public.orders_north USING btree (amount);",
    "CREATE INDEX north_old ON public.orders_north_old USING btree (amount);",
    "CREATE INDEX north_new ON public.orders_north_new USING btree (amount) WITH (fillfactor='70');",
    "CREATE INDEX south ON public.orders_south USING btree (amount);",
    "ALTER INDEX public.north_amount ATTACH PARTITION public.north_old;",
    "ALTER INDEX public.north_amount ATTACH PARTITION public.north_new;",
    "ALTER INDEX public.orders_amount ATTACH PARTITION public.north_amount;",
    "ALTER INDEX public.orders_amount ATTACH PARTITION public.south;",
];

/// All indexes, with what each is attached to.
async fn all_indexes(db: &Database) -> String {
    db.value(
        "SELECT string_agg(format('%s, part of %s, %s', pg_get_indexdef(i.indexrelid), \
                (SELECT inhparent::regclass FROM pg_inherits WHERE inhrelid = i.indexrelid), \
                i.indisvalid), E'\n' ORDER BY i.indexrelid::regclass::text) \
         FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid \
         WHERE c.relnamespace = 'public'::regnamespace",
    )
    .await
}

async fn as_psql_makes_them(statements: &[&str]) -> String {
    let db = with_orders().await;
    db.sql(&statements.concat()).await;
    all_indexes(&db).await
}

#[tokio::test]
async fn indexes_as_pg_dump_writes_them_become_what_psql_makes_of_them() {
    let wanted = as_psql_makes_them(&DUMPED).await;
    let mut reversed = DUMPED;
    reversed.reverse();
    let mut mixed = DUMPED;
    mixed.rotate_left(3);
    for (order, jobs) in [(DUMPED, "1"), (DUMPED, "2"), (reversed, "2"), (mixed, "1")] {
        let db = with_orders().await;
        let declared = db.declare(&order.concat());
        let arguments = ["--ignore-other", "--jobs", jobs, &declared];
        let planned = db.pgtend(&["apply", "--dry-run", "--ignore-other", &declared]).expect(0);

        let output = db.apply(&arguments).expect(0).came_to("done");
        assert_eq!(all_indexes(&db).await, wanted, "{output}");
        let sent = db.applied();
        assert_eq!(sent.iter().filter(|sql| sql.starts_with("CREATE")).count(), 5, "{sent:?}");
        assert!(sent.iter().all(|sql| planned.to_string().contains(sql)), "{planned}");
        for index in ["north_amount", "north_old", "north_new", "south"] {
            let step = output.step(&format!("public.{index}"));
            assert_eq!(step.status, "done", "{output}");
            assert!(step.reason.contains("a part of public.orders_amount"), "{}", step.reason);
        }
        db.apply(&arguments).expect(0).came_to("nothing_to_do");
        assert_eq!(db.applied(), sent);
        db.pgtend(&["plan", "--check", "--ignore-other", &declared]).expect(0);
    }
}

#[tokio::test]
async fn a_part_that_is_wanted_alone_is_built_alone_and_attached_when_its_parent_comes() {
    let wanted = as_psql_makes_them(&DUMPED).await;
    let db = with_orders().await;
    let declared = db.declare(&DUMPED.concat());

    let alone = ["--ignore-other", "--index", "south", &declared];
    db.apply(&alone).expect(0).came_to("done");
    assert_eq!(db.applied().len(), 1, "{:?}", db.applied());
    db.apply(&["--ignore-other", "--table", "orders_north", &declared])
        .expect(0)
        .came_to("done");
    assert_eq!(parts(&db, "north_amount").await, "north_amount, north_new, north_old");
    // Only the parent is asked for; its parts are those that are declared.
    db.apply(&["--ignore-other", "--index", "orders_amount", &declared])
        .expect(0)
        .came_to("done");
    assert_eq!(all_indexes(&db).await, wanted);
    db.apply(&["--ignore-other", &declared]).expect(0).came_to("nothing_to_do");
}

#[tokio::test]
async fn two_equal_trees_keep_their_own_parts() {
    let more = DUMPED.map(|sql| {
        ["orders_amount", "north_amount", "north_old", "north_new", "south"]
            .iter()
            .fold(sql.to_owned(), |sql, name| {
                sql.replace(&format!("INDEX {name} "), &format!("INDEX {name}1 "))
                    .replace(&format!("public.{name} A"), &format!("public.{name}1 A"))
                    .replace(&format!("public.{name};"), &format!("public.{name}1;"))
            })
    });
    let both = DUMPED.into_iter().chain(more.iter().map(String::as_str)).collect::<Vec<_>>();
    let wanted = as_psql_makes_them(&both).await;
    let db = with_orders().await;
    let declared = db.declare(&both.concat());

    let output = db.apply(&["--ignore-other", &declared]).expect(0).came_to("done");
    assert_eq!(all_indexes(&db).await, wanted, "{output}");
    db.apply(&["--ignore-other", &declared]).expect(0).came_to("nothing_to_do");
}

#[tokio::test]
async fn what_the_parent_could_not_do_its_parts_do_not_try_again() {
    let db = with_orders().await;
    db.sql("INSERT INTO orders VALUES (3, 'south', 2013, 0)").await;
    let columns = "(id, region, year)";
    let declared = db.declare(&format!(
        "CREATE UNIQUE INDEX south_key ON orders_south {columns};
         CREATE UNIQUE INDEX new_key ON orders_north_new {columns};
         CREATE UNIQUE INDEX orders_key ON ONLY orders {columns};"
    ));

    let output = db.apply(&["--jobs", "1", &declared]).expect(4).came_to("failed");
    assert_eq!(output.step("public.orders_key").sqlstate.as_deref(), Some("23505"), "{output}");
    let step = output.step("public.south_key");
    assert_eq!(step.status, "failed", "{output}");
    assert!(step.reason.starts_with("not done: public.orders_key,"), "{}", step.reason);
    let tries = db
        .applied()
        .into_iter()
        .filter(|sql| sql.contains("INDEX CONCURRENTLY south_key"));
    assert_eq!(tries.filter(|sql| sql.starts_with("CREATE")).count(), 1);
    db.sql("DELETE FROM orders WHERE amount = 0").await;
    db.apply(&[&declared]).expect(0).came_to("done");
    let made = parts(&db, "orders_key").await;
    assert!(made.contains("new_key, ") && made.contains("south_key"), "{made}");
    assert_eq!(db.leftovers().await, "");
}

#[tokio::test]
async fn a_partition_that_has_its_part_under_another_name_gets_no_second_one() {
    let db = with_orders().await;
    db.sql("CREATE INDEX orders_amount ON orders (amount)").await;
    let before = all_indexes(&db).await;
    let declared = db.declare(&DUMPED.concat());

    let output = db.apply(&["--ignore-other", &declared]).expect(0).came_to("nothing_to_do");
    assert!(output.step("public.south").reason.starts_with("redundant: "), "{output}");
    assert_eq!(all_indexes(&db).await, before);
}

#[tokio::test]
async fn a_comment_on_a_part_is_set_when_it_is_made() {
    let db = with_orders().await;
    let declared = db.declare(&format!("{}COMMENT ON INDEX south IS 'here';", DUMPED.concat()));

    db.apply(&["--ignore-other", &declared]).expect(0).came_to("done");
    assert_eq!(db.value("SELECT obj_description('south'::regclass, 'pg_class')").await, "here");
}
