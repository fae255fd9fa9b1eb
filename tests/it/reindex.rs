//! `pgtend reindex`: what is bloated or broken is rebuilt in place, online, and nothing else.

use crate::support::small_disk::SmallDisk;
use crate::support::{Database, Output, Pgtend, Running, until};

/// A table whose indexes were ten times as full, and one whose keys came at random.
const TABLES: &str = "CREATE TABLE emptied (id int PRIMARY KEY, code text, day int);
    CREATE INDEX emptied_code ON emptied (code);
    CREATE INDEX emptied_day ON emptied (day);
    INSERT INTO emptied SELECT n, md5(n::text), n / 100 FROM generate_series(1, 60000) n;
    DELETE FROM emptied WHERE id % 10 <> 0;
    CREATE TABLE random (id uuid PRIMARY KEY, few int);
    CREATE INDEX random_few ON random (few);
    INSERT INTO random SELECT md5(n::text)::uuid, hashint4(n) % 50 FROM generate_series(1, 60000) n;";

const BLOATED: [&str; 3] = ["emptied_code", "emptied_day", "emptied_pkey"];
const SMALL: [&str; 2] = ["--min-size", "100kB"];

async fn bloated() -> Database {
    let db = Database::new().await;
    // Its end tells the statistics.
    db.session().await.batch_execute(TABLES).await.unwrap();
    for (table, changed) in [("emptied", 114_000), ("random", 60_000)] {
        changed_rows(&db, table, changed).await;
        db.sql(&format!("VACUUM ANALYZE {table}")).await;
        changed_rows(&db, table, 0).await;
    }
    db
}

/// Waits until the statistics know how many rows were changed since the last ANALYZE.
async fn changed_rows(db: &Database, table: &str, rows: u64) {
    let sql = format!("SELECT pg_stat_get_mod_since_analyze('{table}'::regclass)::text");
    until("the statistics know", || async { db.value(&sql).await == rows.to_string() }).await;
}

fn start(db: &Database, arguments: &[&str]) -> Running {
    start_as(db, "postgres", arguments)
}

fn start_as(db: &Database, role: &str, arguments: &[&str]) -> Running {
    db.start_as(role, &[&["reindex", "--format", "json"], arguments].concat())
}

fn run(db: &Database, arguments: &[&str]) -> Output {
    start(db, arguments).wait()
}

fn sent(db: &Database) -> Vec<String> {
    db.changes("pgtend/reindex")
}

async fn oid(db: &Database, name: &str) -> u32 {
    db.assert_whole(name).await.oid
}

#[tokio::test]
async fn what_is_bloated_is_rebuilt_and_nothing_else() {
    let db = bloated().await;
    let random = [oid(&db, "random_pkey").await, oid(&db, "random_few").await];
    let dry = run(&db, &[&SMALL[..], &["--dry-run"]].concat()).expect(0).came_to("planned");
    assert_eq!(sent(&db), [""; 0]);

    let output = run(&db, &SMALL).expect(0).came_to("done");
    for name in BLOATED {
        let step = output.step(&format!("public.{name}"));
        assert_eq!((step.action.as_str(), step.status.as_str()), ("reindex", "done"), "{output}");
        assert_eq!(step.reason_code, "verified");
        assert!(step.bloat.unwrap() > 4.0, "{output}");
        assert_eq!(step.rows, Some(6_000));
        let (before, after) = (step.size_before_bytes.unwrap(), step.size_bytes.unwrap());
        assert!(before > 4 * after, "{output}");
        let planned = dry.step(&format!("public.{name}"));
        assert_eq!(planned.sql, step.sql);
        assert_eq!(planned.reason_code, "bloated");
        // As large as it was estimated.
        let estimated = step.estimated_size_bytes.unwrap();
        assert!(estimated.abs_diff(after) <= 2 * 8192, "{output}");
        oid(&db, name).await;
    }
    assert_eq!(sent(&db).len(), 3);
    assert_eq!(random, [oid(&db, "random_pkey").await, oid(&db, "random_few").await]);
    run(&db, &SMALL).expect(0).came_to("nothing_to_do");
    run(&db, &[]).expect(0).came_to("nothing_to_do");
    assert_eq!(sent(&db).len(), 3);
}

#[tokio::test]
async fn what_gives_back_the_most_for_the_time_comes_first() {
    let db = bloated().await;
    let output = db.pgtend(&["reindex", "--dry-run", "--min-size", "100kB"]).expect(0);
    let order = output.stdout.lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(order.len(), 3, "{output}");
    assert!(
        order
            .iter()
            .all(|line| line.starts_with("REINDEX INDEX CONCURRENTLY public.emptied_"))
    );
    assert!(output.stderr.contains("times a fresh one of about"), "{output}");
}

#[tokio::test]
async fn names_tables_and_schemas_choose() {
    let db = bloated().await;
    db.sql(
        "CREATE SCHEMA \"We;ird\"; CREATE TABLE \"We;ird\".\"Ta\"\"ble\" (id int PRIMARY KEY);
         CREATE INDEX \"In;dex\" ON \"We;ird\".\"Ta\"\"ble\" (id)",
    )
    .await;
    let before = oid(&db, "In;dex").await;
    let output = run(&db, &["\"We;ird\".\"In;dex\""]).expect(0).came_to("done");
    assert_eq!(output.json().steps.len(), 1);
    assert_eq!(output.step("\"We;ird\".\"In;dex\"").reason_code, "verified");
    assert_ne!(oid(&db, "In;dex").await, before);

    let output = run(&db, &["--table", "random", "--dry-run"]).expect(0);
    let mut objects = output.json().steps.into_iter().map(|step| step.object).collect::<Vec<_>>();
    objects.sort();
    assert_eq!(objects, ["public.random_few", "public.random_pkey"]);
    let needed = ["--table", "random", "--needed", "--min-size", "100kB"];
    run(&db, &needed).expect(0).came_to("nothing_to_do");
    run(&db, &[&SMALL[..], &["--schema", "We*"]].concat())
        .expect(0)
        .came_to("nothing_to_do");
    let excluded = [&SMALL[..], &["--exclude", "emptied_*"]].concat();
    run(&db, &excluded).expect(0).came_to("nothing_to_do");
    let output = run(&db, &["emptied_cod"]).expect(2);
    assert!(output.stdout.contains("emptied_code"), "{output}");
    assert_eq!(sent(&db), ["REINDEX INDEX CONCURRENTLY \"We;ird\".\"In;dex\""]);
}

#[tokio::test]
async fn what_belongs_to_an_index_stays_with_it() {
    let db = Database::new().await;
    db.sql(
        "CREATE TABLE t (a int NOT NULL, b text);
         INSERT INTO t SELECT n, n FROM generate_series(1, 1000) n;
         CREATE UNIQUE INDEX t_a ON t (a) WITH (fillfactor = 70);
         COMMENT ON INDEX t_a IS 'the ''first'' one';
         CREATE INDEX t_b ON t (lower(b), (a + 1));
         ALTER INDEX t_b ALTER COLUMN 1 SET STATISTICS 555;
         ALTER TABLE t REPLICA IDENTITY USING INDEX t_a;
         CLUSTER t USING t_a",
    )
    .await;
    let all = "SELECT string_agg(concat_ws('|', c.relname, pg_get_indexdef(c.oid), c.reloptions::text,
          obj_description(c.oid, 'pg_class'), i.indisclustered, i.indisreplident,
          (SELECT string_agg(a.attstattarget::text, ',') FROM pg_attribute a WHERE a.attrelid = c.oid)),
          E'\\n' ORDER BY c.relname)
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = 't'::regclass";
    let before = db.value(all).await;
    assert!(before.contains("555") && before.contains("'first'"), "{before}");
    run(&db, &["--table", "t"]).expect(0).came_to("done");
    assert_eq!(sent(&db).len(), 2);
    assert_eq!(db.value(all).await, before);
}

#[tokio::test]
async fn what_an_interrupted_rebuild_left_is_removed() {
    let db = bloated().await;
    let before = oid(&db, "emptied_code").await;
    db.leave_unvalidated("REINDEX INDEX CONCURRENTLY emptied_code").await;
    assert_eq!(db.leftovers().await, "emptied_code_ccnew");
    // Of a name like one, and of another definition.
    db.leave_unvalidated("CREATE INDEX CONCURRENTLY emptied_day_ccnew ON emptied (id)")
        .await;

    let output = run(&db, &["--needed"]).expect(0).came_to("done");
    let step = output.step("public.emptied_code_ccnew");
    assert_eq!((step.action.as_str(), step.status.as_str()), ("drop_leftover", "done"));
    let wanted = [
        "DROP INDEX CONCURRENTLY public.emptied_code_ccnew",
        "REINDEX INDEX CONCURRENTLY public.emptied_day_ccnew",
    ];
    let mut all = sent(&db);
    all.sort();
    assert_eq!(all, wanted);
    assert_eq!(oid(&db, "emptied_code").await, before);
    oid(&db, "emptied_day_ccnew").await;
}

#[tokio::test]
async fn an_invalid_index_is_rebuilt_and_so_is_its_leftover_gone() {
    let db = bloated().await;
    db.leave_unvalidated("CREATE INDEX CONCURRENTLY emptied_two ON emptied (id, day)")
        .await;
    db.leave_unvalidated("REINDEX INDEX CONCURRENTLY emptied_two").await;
    let output = run(&db, &[]).expect(0).came_to("done");
    assert_eq!(output.json().steps.len(), 1, "{output}");
    assert_eq!(output.step("public.emptied_two").status, "done");
    let wanted = [
        "DROP INDEX CONCURRENTLY public.emptied_two_ccnew",
        "REINDEX INDEX CONCURRENTLY public.emptied_two",
    ];
    assert_eq!(sent(&db), wanted);
    oid(&db, "emptied_two").await;
    assert_eq!(db.leftovers().await, "");
}

#[tokio::test]
async fn a_partitioned_table_is_done_leaf_by_leaf() {
    let db = Database::new().await;
    db.sql(
        "CREATE TABLE orders (id int, region text) PARTITION BY LIST (region);
         CREATE TABLE orders_n PARTITION OF orders FOR VALUES IN ('n');
         CREATE TABLE orders_s PARTITION OF orders FOR VALUES IN ('s') PARTITION BY LIST (id);
         CREATE TABLE orders_s1 PARTITION OF orders_s FOR VALUES IN (1);
         CREATE INDEX orders_id ON orders (id)",
    )
    .await;
    let output = run(&db, &["orders_id"]).expect(0).came_to("done");
    let mut objects = output.json().steps.into_iter().map(|step| step.object).collect::<Vec<_>>();
    objects.sort();
    assert_eq!(objects, ["public.orders_n_id_idx", "public.orders_s1_id_idx"]);
    oid(&db, "orders_id").await;
}

#[tokio::test]
async fn what_cannot_be_rebuilt_is_told_with_the_way_out() {
    let db = Database::new().await;
    db.sql(
        "CREATE TABLE rooms (during int4range, EXCLUDE USING gist (during WITH &&));
         CREATE TABLE later (id int UNIQUE DEFERRABLE)",
    )
    .await;
    let output = run(&db, &["rooms_during_excl"]).expect(4).came_to("failed");
    let step = output.step("public.rooms_during_excl");
    assert_eq!(step.reason_code, "exclusion-constraint");
    assert!(step.reason.contains("run REINDEX INDEX public.rooms_during_excl"), "{output}");
    let output = run(&db, &["pg_catalog.pg_class_oid_index"]).expect(4).came_to("failed");
    assert_eq!(output.step("pg_catalog.pg_class_oid_index").reason_code, "system-index");
    let version = db.value("SHOW server_version_num").await.parse::<u32>().unwrap();
    let fixed = [140_024, 150_019, 160_015, 170_011, 180_006];
    let is_fixed = fixed.iter().all(|it| it / 10_000 != version / 10_000 || version >= *it);
    let output = run(&db, &["later_id_key"]).expect(if is_fixed { 0 } else { 4 });
    let code = if is_fixed { "verified" } else { "deferrable-unique" };
    assert_eq!(output.step("public.later_id_key").reason_code, code);
}

#[tokio::test]
async fn who_may_not_is_told_before_anything_is_sent() {
    let db = bloated().await;
    let other = db.role("other").await;
    let output = start_as(&db, &other, &SMALL).wait().expect(4).came_to("failed");
    let step = output.step("public.emptied_pkey");
    assert_eq!(step.reason_code, "not-owner");
    assert!(step.reason.contains("postgres"), "{output}");
    // Of the keys that share tuples the statistics are needed.
    assert_eq!(
        output.warned("bloat-unknown"),
        ["public.emptied_code", "public.emptied_day", "public.random_few"]
    );
    assert!(output.stdout.contains("GRANT pg_read_all_data TO"), "{output}");
    assert_eq!(sent(&db), [""; 0]);
    if db.server.major >= 17 {
        db.sql(&format!("GRANT MAINTAIN ON emptied TO {other}")).await;
        start_as(&db, &other, &["emptied_day"]).wait().expect(0).came_to("done");
    }
}

#[tokio::test]
async fn a_locked_table_is_waited_for_and_given_up() {
    let db = bloated().await;
    let writer = db.writer("emptied").await;
    let output = run(&db, &["emptied_day", "--max-wait", "2s"]).expect(4).came_to("failed");
    assert_eq!(output.step("public.emptied_day").reason_code, "gave-up-waiting", "{output}");
    writer.release().await;
    let lock = db.hold("LOCK TABLE emptied").await;
    let output = run(&db, &["emptied_day", "--max-wait", "2s"]).expect(4).came_to("failed");
    assert_eq!(output.step("public.emptied_day").reason_code, "gave-up-waiting", "{output}");
    lock.release().await;
    // What could not be dropped while the table was used goes now.
    run(&db, &["emptied_day"]).expect(0).came_to("done");
    assert_eq!(db.leftovers().await, "");
}

#[tokio::test]
async fn ctrl_c_leaves_nothing_behind() {
    let db = bloated().await;
    let before = oid(&db, "emptied_code").await;
    let snapshot = db.old_snapshot().await;
    let mut running = start(&db, &["emptied_code"]);
    running.until_it_says("waits for").await;
    running.signal("INT");
    let output = running.wait().expect(130).came_to("cancelled");
    assert_eq!(output.step("public.emptied_code").status, "cancelled");
    assert_eq!(db.leftovers().await, "", "{output}");
    assert_eq!(oid(&db, "emptied_code").await, before);
    snapshot.release().await;
}

#[tokio::test]
async fn a_killed_backend_is_made_up_for() {
    let db = bloated().await;
    let snapshot = db.old_snapshot().await;
    let mut running = start(&db, &["emptied_code"]);
    running.until_it_says("waits for").await;
    db.value(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'pgtend/reindex' AND query LIKE 'REINDEX%' AND datname = current_database()",
    )
    .await;
    running.until_it_says("tries again").await;
    snapshot.release().await;
    let output = running.wait().expect(0).came_to("done");
    let sent = output.step("public.emptied_code").sql.unwrap();
    assert!(sent.contains("DROP INDEX CONCURRENTLY public.emptied_code_ccnew"), "{output}");
    assert_eq!(db.leftovers().await, "");
}

#[tokio::test]
async fn a_killed_run_is_made_up_for_by_the_next() {
    let db = bloated().await;
    let snapshot = db.old_snapshot().await;
    let mut running = start(&db, &["emptied_code"]);
    running.until_it_says("waits for").await;
    running.signal("KILL");
    let second = start(&db, &["emptied_code"]);
    snapshot.release().await;
    second.wait().expect(0);
    oid(&db, "emptied_code").await;
    assert_eq!(db.leftovers().await, "");
}

#[tokio::test]
async fn two_runs_at_once_are_one_too_many() {
    let db = bloated().await;
    let snapshot = db.old_snapshot().await;
    let mut running = start(&db, &["emptied_code"]);
    running.until_it_says("waits for").await;
    let output = run(&db, &["emptied_day"]).expect(5).came_to("busy");
    assert!(output.stdout.contains("another run holds this job"), "{output}");
    snapshot.release().await;
    running.wait().expect(0);
}

#[tokio::test]
async fn time_that_is_up_is_no_failure() {
    let db = bloated().await;
    let snapshot = db.old_snapshot().await;
    let output = run(&db, &["--table", "emptied", "--time-limit", "2s"]).expect(0);
    let steps = output.json().steps;
    assert!(steps.iter().all(|step| step.status == "skipped"), "{output}");
    assert!(steps.iter().all(|step| step.reason_code == "time-up"), "{output}");
    assert_eq!(db.leftovers().await, "", "{output}");
    snapshot.release().await;
    let output = run(&db, &["--table", "emptied", "--window", "00:00-00:00"]).expect(2);
    assert!(output.stderr.contains("--window"), "{output}");
}

#[tokio::test]
async fn what_it_was_at_its_birth_is_remembered() {
    let db = bloated().await;
    db.pgtend(&["init"]).expect(0);
    run(&db, &["emptied_day", "emptied_code"]).expect(0).came_to("done");
    let rows = "SELECT string_agg(object || ' ' || rows_inserted, ', ' ORDER BY object)
        FROM pgtend.run WHERE action = 'reindex'";
    assert_eq!(db.value(rows).await, "public.emptied_code 6000, public.emptied_day 6000");
    let declared = db.declare("CREATE INDEX emptied_two ON emptied (day, code);");
    db.apply(&[&declared]).expect(0);
    let built = "SELECT rows_inserted::text FROM pgtend.run WHERE action = 'build_index'";
    assert_eq!(db.value(built).await, "6000");

    // Half as large as it was, by what the history tells.
    db.sql(
        "UPDATE pgtend.run SET size_bytes = size_bytes / 2, started_at = started_at - interval '12 days'
         WHERE object = 'public.emptied_code'",
    )
    .await;
    let needed = ["emptied_code", "emptied_day", "--needed", "--min-size", "100kB", "--dry-run"];
    let output = run(&db, &needed).expect(0).came_to("planned");
    let step = output.step("public.emptied_code");
    assert_eq!((step.verdict.as_str(), step.bloat), ("to_do", Some(2.0)), "{output}");
    assert!(step.reason.ends_with("built 12 days ago"), "{output}");
    assert_eq!(output.step("public.emptied_day").verdict, "left_out");
}

#[tokio::test]
async fn leaves_that_are_full_are_believed() {
    let db = bloated().await;
    db.pgtend(&["init"]).expect(0);
    run(&db, &["emptied_code"]).expect(0);
    db.sql("UPDATE pgtend.run SET size_bytes = size_bytes / 2; CREATE EXTENSION pgstattuple")
        .await;
    let needed = ["emptied_code", "--needed", "--min-size", "100kB"];
    let output = run(&db, &needed).expect(0).came_to("nothing_to_do");
    let step = output.step("public.emptied_code");
    assert!(step.reason.contains("but its leaves are"), "{output}");
    // Whoever may not call it does without.
    let owner = db.role("owner").await;
    db.sql(&format!("ALTER TABLE emptied OWNER TO {owner}")).await;
    db.pgtend(&["init", "--grant", &owner]).expect(0);
    let output = start_as(&db, &owner, &[&needed[..], &["--dry-run"]].concat()).wait().expect(0);
    assert_eq!(output.step("public.emptied_code").verdict, "to_do", "{output}");
}

#[tokio::test]
async fn several_tables_are_worked_on_at_once_and_never_one_twice() {
    let db = bloated().await;
    let snapshot = db.old_snapshot().await;
    let running = start(&db, &["--table", "emptied", "--table", "random", "--jobs", "4"]);
    let building = "SELECT coalesce(string_agg(relid::regclass::text, ', ' ORDER BY relid), '')
        FROM pg_stat_progress_create_index WHERE datname = current_database()";
    until("both are worked on", || async {
        let seen = db.value(building).await;
        assert!(["", "emptied", "random", "emptied, random"].contains(&seen.as_str()), "{seen}");
        seen == "emptied, random"
    })
    .await;
    snapshot.release().await;
    let output = running.wait().expect(0).came_to("done");
    assert_eq!(output.json().steps.len(), 5);
}

#[tokio::test]
async fn nobody_waits_for_a_rebuild() {
    let db = bloated().await;
    let snapshot = db.old_snapshot().await;
    let mut running = start(&db, &["emptied_code"]);
    running.until_it_says("waits for").await;
    let quick = "SET statement_timeout = '5s'; INSERT INTO emptied VALUES (-1, 'new', 0);
        SELECT * FROM emptied WHERE code = 'new'; UPDATE emptied SET code = 'newer' WHERE id = -1";
    db.session().await.batch_execute(quick).await.unwrap();
    snapshot.release().await;
    running.wait().expect(0).came_to("done");
    assert_eq!(db.value("SELECT id::text FROM emptied WHERE code = 'newer'").await, "-1");
}

#[tokio::test]
async fn what_people_read() {
    let db = bloated().await;
    let output = Pgtend::new(&["reindex", "--no-progress", "--min-size", "100kB"])
        .env("DATABASE_URL", &db.url_as("postgres"))
        .run()
        .expect(0);
    assert!(output.stdout.contains("times a fresh one of about"), "{output}");
    assert!(output.stderr.contains("3 rebuilt in"), "{output}");
    assert!(output.stderr.contains("given back."), "{output}");
    let quiet = Pgtend::new(&["reindex", "-q"]).env("DATABASE_URL", &db.url_as("postgres"));
    let quiet = quiet.run().expect(0);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""), "{quiet}");
}

#[tokio::test]
async fn what_may_be_damaged_is_rebuilt_once() {
    let db = Database::new().await;
    db.sql(
        "CREATE COLLATION english (PROVIDER = icu, LOCALE = 'en');
         CREATE TABLE words (word text COLLATE english, length int);
         INSERT INTO words SELECT n, n FROM generate_series(1, 10) AS n;
         CREATE INDEX words_word ON words (word);
         CREATE INDEX words_lower ON words (lower(word), length);
         CREATE INDEX words_length ON words (length);
         UPDATE pg_collation SET collversion = '1.2.3' WHERE collname = 'english'",
    )
    .await;
    db.pgtend(&["init"]).expect(0);
    let length = oid(&db, "words_length").await;
    let output = run(&db, &["--suspect"]).expect(0).came_to("done");
    let rebuilt = [
        "REINDEX INDEX CONCURRENTLY public.words_lower",
        "REINDEX INDEX CONCURRENTLY public.words_word",
    ];
    let mut statements = sent(&db);
    statements.retain(|sql| sql.starts_with("REINDEX"));
    statements.sort();
    assert_eq!(statements, rebuilt, "{output}");
    assert_eq!(oid(&db, "words_length").await, length);

    // They were built by the programs that run.
    run(&db, &["--suspect"]).expect(0).came_to("nothing_to_do");
    let output = run(&db, &["words_word", "--suspect"]).expect(0).came_to("nothing_to_do");
    assert_eq!(output.step("public.words_word").reason_code, "not-suspect", "{output}");
}

/// The index lies on a disk of its own.
async fn on_a_small_disk() -> Option<(Database, SmallDisk)> {
    let db = Database::new().await;
    let data = db.value("SHOW data_directory").await;
    let disk = SmallDisk::mount(16, data.as_ref())?;
    let (name, folder) = (format!("small_{}", db.name), disk.path().display().to_string());
    db.sql(&format!("CREATE TABLESPACE {name} LOCATION '{folder}'")).await;
    db.sql(&format!(
        "CREATE TABLE t (id int, code text);
         INSERT INTO t SELECT n, md5(n::text) FROM generate_series(1, 80000) n;
         CREATE INDEX t_code ON t (code) TABLESPACE {name};
         COMMENT ON INDEX t_code IS 'kept'"
    ))
    .await;
    Some((db, disk))
}

#[tokio::test]
#[expect(
    clippy::print_stderr,
    reason = "whoever runs it sees why nothing was tested"
)]
async fn a_disk_that_gets_full_leaves_the_index_as_it_was() {
    let Some((db, disk)) = on_a_small_disk().await else {
        eprintln!("skipped: this account may mount no small disk");
        return;
    };
    let before = oid(&db, "t_code").await;
    let writer = db.writer("t").await;
    let running = start(&db, &["t_code"]);
    db.until_phase("waiting for writers before build", 1).await;
    let filler = disk.fill_but_for(2);
    writer.release().await;
    let full = running.wait().expect(4).came_to("failed");
    let step = full.step("public.t_code");
    assert_eq!(step.sqlstate.as_deref(), Some("53100"), "{full}");
    assert!(step.reason.ends_with("what it left was dropped"), "{}", step.reason);
    assert_eq!(db.leftovers().await, "");
    assert_eq!(oid(&db, "t_code").await, before);

    let refused = run(&db, &["t_code"]).expect(4).came_to("failed");
    let reason = refused.step("public.t_code").reason;
    assert!(reason.starts_with("skipped for now: the index needs about"), "{reason}");
    assert!(reason.contains(&disk.path().display().to_string()), "{reason}");

    std::fs::remove_file(filler).unwrap();
    run(&db, &["t_code"]).expect(0).came_to("done");
    assert_ne!(oid(&db, "t_code").await, before);
    let kept = db.value("SELECT obj_description('t_code'::regclass)").await;
    assert_eq!(kept, "kept");
    db.sql("DROP TABLE t").await;
    db.sql(&format!("DROP TABLESPACE small_{}", db.name)).await;
}
