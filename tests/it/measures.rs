//! What `pgtend snapshot` measures besides statements, and what is told of it: how fast it moves, since
//! when, and when a limit is reached.

use std::time::Duration;

use pg_sandbox::Sandbox;
use pgtend::inside::measures::{Limit, MeasureKind, Measured, Reaches, load_measured};

use crate::init::opened;
use crate::support::{Database, Pgtend, SALES, connect_to, document, server, until, value};

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// A database whose schema pgtend is installed, with a table and a sequence.
async fn measured() -> Database {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE INDEX sales_user ON sales (user_id); CREATE SEQUENCE numbers")
        .await;
    // Autovacuum would change what is measured.
    db.sql("ALTER TABLE sales SET (autovacuum_enabled = off)").await;
    db.sql("VACUUM ANALYZE sales").await;
    counted(&db, "inserted", 1000).await;
    db.pgtend(&["init"]).expect(0);
    db
}

/// Waits until the server has counted so many rows of the table.
async fn counted(db: &Database, what: &str, rows: i64) {
    let sql = format!("SELECT pg_stat_get_tuples_{what}('sales'::regclass)");
    until("the rows are counted", || async { db.value(&sql).await == rows.to_string() }).await;
}

fn snapshot(db: &Database) -> document::Snapshot {
    let call = ["snapshot", "--keep", "1000d", "--format", "json"];
    db.pgtend(&call).expect(0).came_to("done").json().snapshot.unwrap()
}

/// Takes a snapshot, and dates it back.
async fn snapshot_ago(db: &Database, ago: &str) {
    let id = snapshot(db).id.unwrap();
    db.sql(&format!(
        "UPDATE pgtend.snapshot SET taken_at = taken_at - interval '{ago}' WHERE id = {id}"
    ))
    .await;
}

/// What a snapshot has kept of the objects in the schema public: kind and value.
async fn kept(db: &Database, snapshot: &document::Snapshot) -> String {
    let id = snapshot.id.unwrap();
    db.value(&format!(
        "SELECT string_agg(concat_ws(' ', m.kind, v.value), ', ' ORDER BY m.kind COLLATE \"C\", v.value)
         FROM pgtend.measurement v JOIN pgtend.measure m ON m.id = v.measure
         WHERE v.snapshot = {id} AND m.object LIKE 'public.%' AND m.kind NOT LIKE 'table_%\\_x%id'
           AND m.kind <> 'table_min_multixact'"
    ))
    .await
}

/// What is known of a measure in the span.
async fn known_within(db: &Database, kind: MeasureKind, object: &str, span: Duration) -> Measured {
    let database = opened(db, "postgres").await;
    let session = database.reader().await.unwrap();
    let all = load_measured(&session, span, &[kind]).await.unwrap();
    let mut found = all.into_iter().filter(|it| it.kind == kind && it.object == object);
    let first = found.next().unwrap_or_else(|| panic!("no {} of {object}", kind.name()));
    assert_eq!(found.next(), None);
    first
}

async fn known(db: &Database, kind: MeasureKind, object: &str) -> Measured {
    known_within(db, kind, object, WEEK).await
}

#[tokio::test]
async fn only_what_has_changed_is_kept() {
    let db = measured().await;
    let first = snapshot(&db);
    assert_eq!(first.measures, first.measures_changed);
    let size = async |name| db.value(&format!("SELECT pg_relation_size('{name}')")).await;
    let (user, key, table) =
        (size("sales_user").await, size("sales_pkey").await, size("sales").await);
    assert_eq!(
        kept(&db, &first).await,
        format!(
            "dead_rows 0, index_bytes {user}, index_bytes {key}, index_scans 0, index_scans 0, \
             rows_deleted 0, rows_inserted 1000, rows_updated 0, table_bytes {table}, table_rows 1000"
        )
    );
    let idle = snapshot(&db);
    assert_eq!(kept(&db, &idle).await, "");
    assert!(idle.measures_changed < Some(12), "{idle:?}");
    db.sql("UPDATE sales SET amount = 0 WHERE id <= 10; SELECT setval('numbers', 42)")
        .await;
    counted(&db, "updated", 10).await;
    let busy = snapshot(&db);
    let scans = "index_scans 1, ";
    let changed = kept(&db, &busy).await.replace(scans, "");
    assert_eq!(changed, "dead_rows 10, rows_updated 10, sequence_value 42");
    db.sql("DROP TABLE sales; DROP SEQUENCE numbers").await;
    let gone = snapshot(&db);
    assert!(kept(&db, &gone).await.starts_with("dead_rows, index_bytes"));
    assert_eq!(more_than_before(&db, &gone, "LIKE 'public.%'").await, -11);
    // What other tests do on the server may begin and end measures of the whole server.
    let others = more_than_before(&db, &gone, "NOT LIKE 'public.%'").await;
    assert_eq!(gone.measures, busy.measures.map(|measures| measures - 11 + others));
}

/// How many measures of such objects begin with a snapshot, less those that end with it.
async fn more_than_before(db: &Database, snapshot: &document::Snapshot, objects: &str) -> i64 {
    let id = snapshot.id.unwrap();
    let more = format!(
        "SELECT (count(*) FILTER (WHERE v.value IS NOT NULL AND before.value IS NULL)
             - count(*) FILTER (WHERE v.value IS NULL))::text
         FROM pgtend.measurement v
         JOIN pgtend.measure m ON m.id = v.measure
         LEFT JOIN LATERAL (
             SELECT b.value FROM pgtend.measurement b
             WHERE b.measure = v.measure AND b.snapshot < v.snapshot ORDER BY b.snapshot DESC LIMIT 1
         ) AS before ON true
         WHERE v.snapshot = {id} AND m.object {objects}"
    );
    db.value(&more).await.parse().unwrap()
}

#[tokio::test]
async fn statements_that_nobody_counts_are_left_out() {
    let db = measured().await;
    let taken = snapshot(&db);
    assert_eq!((taken.statements, taken.changed), (None, None));
    assert!(taken.statements_reason.unwrap().contains("is absent in this database"));
    let list = db.pgtend(&["snapshot", "--list", "--format", "json"]).expect(0);
    assert_eq!(list.json().snapshots[0].statements, None, "{list}");
    assert!(db.pgtend(&["snapshot", "-q"]).expect(0).stderr.is_empty());
    db.sql("CREATE EXTENSION pg_stat_statements").await;
    let since = ["slow-queries", "--since", "1", "--format", "json"];
    let error = db.pgtend(&since).expect(2).json().error.unwrap();
    assert_eq!(error.message, "no snapshot has the counters of statements");
    let counting = snapshot(&db);
    assert!(counting.statements > Some(0) && counting.statements_reason.is_none());
    let id = counting.id.unwrap().to_string();
    db.pgtend(&["slow-queries", "--since", &id]).expect(0);
    db.pgtend(&since).expect(2);
}

#[tokio::test]
async fn a_rate_is_that_of_the_span_and_ends_at_a_limit() {
    let db = measured().await;
    db.sql("SELECT setval('numbers', 1)").await;
    snapshot_ago(&db, "30 days").await;
    db.sql("SELECT setval('numbers', 1000)").await;
    snapshot_ago(&db, "5 days").await;
    db.sql("SELECT setval('numbers', 433000)").await;
    snapshot(&db);
    let numbers = known(&db, MeasureKind::SequenceValue, "public.numbers").await;
    let rate = numbers.rate().unwrap();
    assert!((rate.per_second - 1.0).abs() < 0.01, "{numbers:?}");
    let forecast = rate.until(433_000, Limit::AtMost(433_000 + 41 * 86_400 + 43_200));
    assert_eq!(forecast.to_string(), "in 41 days, at the rate of the last 5 days");
    let month = known_within(&db, MeasureKind::SequenceValue, "public.numbers", WEEK * 5).await;
    assert_eq!((month.first.unwrap().value, month.last.value), (1, 433_000));
    // What has not changed stands still, and that since the first snapshot that found it so.
    let rows = known(&db, MeasureKind::TableRows, "public.sales").await;
    assert_eq!(rows.rate().unwrap().until(1000, Limit::AtMost(2000)).reaches, Reaches::Never);
    assert!(rows.last.epoch - rows.changed_epoch > 29.0 * 86_400.0, "{rows:?}");
    let recent = known_within(&db, MeasureKind::TableRows, "public.sales", Duration::ZERO).await;
    assert_eq!((recent.first, recent.rate()), (None, None));
}

#[tokio::test]
async fn after_a_reset_there_is_no_rate_until_there_are_two_snapshots() {
    let db = measured().await;
    db.sql("CREATE SEQUENCE down INCREMENT -1 MINVALUE -1000000; SELECT setval('down', -1)")
        .await;
    db.sql("SELECT setval('numbers', 500)").await;
    snapshot_ago(&db, "6 days").await;
    let all = [
        (MeasureKind::SequenceValue, "public.numbers"),
        (MeasureKind::SequenceValue, "public.down"),
        (MeasureKind::RowsInserted, "public.sales"),
        (MeasureKind::TableBytes, "public.sales"),
    ];
    db.sql("SELECT setval('down', -518401)").await;
    snapshot_ago(&db, "5 days").await;
    for (kind, object) in all {
        assert!(known(&db, kind, object).await.rate().is_some(), "{object}");
    }
    let down = known(&db, MeasureKind::SequenceValue, "public.down").await.rate().unwrap();
    assert!((down.per_second + 6.0).abs() < 0.01, "{down:?}");

    db.sql("SELECT setval('numbers', 7), setval('down', -7)").await;
    // The new table has more rows than the old one: the count alone would not tell.
    db.sql(
        "DROP TABLE sales;
         CREATE TABLE sales (id int) WITH (autovacuum_enabled = off);
         INSERT INTO sales SELECT generate_series(1, 5000)",
    )
    .await;
    db.sql("VACUUM sales").await;
    counted(&db, "inserted", 5000).await;
    snapshot_ago(&db, "4 days").await;
    for (kind, object) in all {
        let measure = known(&db, kind, object).await;
        assert_eq!(measure.rate(), None, "{measure:?}");
        assert_eq!(measure.since_epoch, measure.last.epoch);
    }
    db.sql("SELECT setval('numbers', 345607)").await;
    snapshot(&db);
    let numbers = known(&db, MeasureKind::SequenceValue, "public.numbers").await;
    assert!((numbers.rate().unwrap().per_second - 1.0).abs() < 0.01, "{numbers:?}");

    // The statistics are reset, and have counted more than before when they are looked at again.
    db.sql("SELECT pg_stat_reset()").await;
    counted(&db, "inserted", 0).await;
    db.sql("INSERT INTO sales SELECT generate_series(1, 6000)").await;
    counted(&db, "inserted", 6000).await;
    snapshot(&db);
    let inserted = known(&db, MeasureKind::RowsInserted, "public.sales").await;
    assert_eq!((inserted.last.value, inserted.rate()), (6000, None), "{inserted:?}");

    // Another server goes on where this one was, with counters of its own.
    db.sql(
        "UPDATE pgtend.snapshot SET timeline = '0000000A', taken_at = taken_at - interval '1 day'",
    )
    .await;
    snapshot(&db);
    let [inserted, numbers] = [
        (MeasureKind::RowsInserted, "public.sales"),
        (MeasureKind::SequenceValue, "public.numbers"),
    ]
    .map(|(kind, object)| known(&db, kind, object));
    assert_eq!(inserted.await.rate(), None);
    assert!(numbers.await.rate().is_some());
}

#[tokio::test]
async fn positions_are_those_of_the_server() {
    let db = measured().await;
    let next = "SELECT pg_snapshot_xmax(pg_current_snapshot())";
    let before = db.value(next).await.parse::<i64>().unwrap();
    snapshot(&db);
    let after = db.value(next).await.parse::<i64>().unwrap();
    let xid = known(&db, MeasureKind::NextXid, "server").await.last.value;
    assert!((before..=after).contains(&xid), "{before} {xid} {after}");
    // Their last 32 bits are what the catalog has.
    let differing = "SELECT string_agg(m.kind || ' ' || m.object, ', ') FROM pgtend.measure m
         LEFT JOIN pg_database d ON d.oid = m.object_oid LEFT JOIN pg_class c ON c.oid = m.object_oid
         WHERE m.kind ~ '_frozen_xid$|_min_multixact$' AND (m.value % 4294967296)::text <> CASE m.kind
           WHEN 'database_frozen_xid' THEN d.datfrozenxid::text
           WHEN 'database_min_multixact' THEN d.datminmxid::text
           WHEN 'table_frozen_xid' THEN c.relfrozenxid::text
           ELSE c.relminmxid::text END";
    // Autovacuum may come in between.
    until("the catalog has the same", || async {
        snapshot(&db);
        db.value(differing).await.is_empty()
    })
    .await;
    let tables = "SELECT count(*) FROM pgtend.measure WHERE kind = 'table_frozen_xid'";
    assert_eq!(db.value(tables).await, "10");
    let here = known(&db, MeasureKind::DatabaseFrozenXid, &db.name).await.last.value;
    assert!(here > 0 && here <= xid, "{here} {xid}");
}

#[tokio::test]
async fn it_is_known_since_when_a_constraint_waits_for_its_validation() {
    let db = measured().await;
    db.sql("ALTER TABLE sales ADD CONSTRAINT positive CHECK (amount > 0) NOT VALID")
        .await;
    snapshot_ago(&db, "9 days").await;
    snapshot(&db);
    let object = "positive on public.sales";
    let constraint = known(&db, MeasureKind::ConstraintNotValid, object).await;
    let days = (constraint.last.epoch - constraint.since_epoch) / 86_400.0;
    assert!((days - 9.0).abs() < 0.01, "{constraint:?}");
}

#[tokio::test]
async fn old_measurements_are_removed_and_the_rest_stays_right() {
    let db = measured().await;
    for (last, ago) in [(10, "60 days"), (20, "50 days"), (30, "6 days"), (518_430, "0 days")] {
        db.sql(&format!("SELECT setval('numbers', {last})")).await;
        snapshot_ago(&db, ago).await;
        if last == 10 {
            db.sql("DROP INDEX sales_user").await;
        }
    }
    let of = |kind: &str| {
        format!(
            "SELECT count(*) FROM pgtend.measurement v JOIN pgtend.measure m ON m.id = v.measure
             WHERE m.kind = '{kind}' AND m.object LIKE 'public.%'"
        )
    };
    assert_eq!(db.value(&of("sequence_value")).await, "4");
    assert_eq!(db.value(&of("index_bytes")).await, "3");
    assert_eq!(
        db.pgtend(&["snapshot", "--prune", "--format", "json"]).expect(0).json().pruned,
        Some(2)
    );
    assert_eq!(db.value(&of("sequence_value")).await, "2");
    assert_eq!(db.value(&of("index_bytes")).await, "1");
    let forgotten = "SELECT count(*) FROM pgtend.measure WHERE value IS NULL";
    assert_eq!(db.value(forgotten).await, "0");
    let numbers = known(&db, MeasureKind::SequenceValue, "public.numbers").await;
    assert!((numbers.rate().unwrap().per_second - 1.0).abs() < 0.01, "{numbers:?}");
    // What has stood still since before the oldest snapshot is known since that one.
    let rows = known(&db, MeasureKind::TableRows, "public.sales").await;
    assert!((rows.last.epoch - rows.changed_epoch) < 6.1 * 86_400.0, "{rows:?}");
    assert!(rows.rate().is_some(), "{rows:?}");
}

#[tokio::test]
async fn what_the_role_may_not_read_is_said_and_not_guessed() {
    let db = measured().await;
    let role = db.role("guest").await;
    db.sql("SELECT setval('numbers', 5)").await;
    db.pgtend(&["init", "--grant", &role]).expect(0);
    let call = ["snapshot", "--format", "json"];
    let output = db.pgtend_as(&role, &call).expect(0);
    assert_eq!(output.json().snapshot.unwrap().hidden_sequences, Some(1));
    let text = db.pgtend_as(&role, &["snapshot", "-q"]).expect(0);
    assert!(text.stderr.contains("this role cannot read 1 sequence:"), "{text}");
    let value = "SELECT coalesce(max(value), -1) FROM pgtend.measure WHERE kind = 'sequence_value'";
    assert_eq!(db.value(value).await, "-1");
    db.sql(&format!("GRANT USAGE ON SEQUENCE numbers TO {role}")).await;
    let output = db.pgtend_as(&role, &call).expect(0);
    assert_eq!(output.json().snapshot.unwrap().hidden_sequences, Some(0));
    assert_eq!(db.value(value).await, "5");
    // A value that cannot be read any more is none: it does not stand still.
    db.sql(&format!("REVOKE ALL ON SEQUENCE numbers FROM {role}")).await;
    db.pgtend_as(&role, &call).expect(0);
    assert_eq!(db.value(value).await, "-1");
}

#[tokio::test]
async fn a_locked_sequence_is_not_waited_for() {
    let db = measured().await;
    db.sql("SELECT setval('numbers', 5)").await;
    snapshot(&db);
    let lock = db.hold("ALTER SEQUENCE numbers CACHE 5").await;
    let output = db.pgtend(&["snapshot", "--format", "json"]).expect(0);
    assert_eq!(output.json().snapshot.unwrap().hidden_sequences, Some(0), "{output}");
    lock.release().await;
    let value = "SELECT value FROM pgtend.measure WHERE kind = 'sequence_value'";
    assert_eq!(db.value(value).await, "5");
    assert_eq!(output.warned("sequences-not-read"), [""; 0]);
}

/// What 0.1.0 has left.
async fn install_version_2(db: &Database) {
    let versions = [include_str!("../../sql/schema/1.sql"), include_str!("../../sql/schema/2.sql")];
    db.sql(
        "CREATE SCHEMA pgtend; COMMENT ON SCHEMA pgtend IS 'What pgtend remembers (pgtend init)'",
    )
    .await;
    for (version, sql) in (1..).zip(versions) {
        db.sql(sql).await;
        db.sql(&format!(
            "INSERT INTO pgtend.version VALUES ({version}, now(), '0.1.0', {})",
            version == 1
        ))
        .await;
    }
}

#[tokio::test]
async fn an_older_schema_keeps_working_and_is_upgraded_with_all_it_holds() {
    let db = Database::new().await;
    let (writer, reader) = (db.role("writer").await, db.role("reader").await);
    db.sql("CREATE EXTENSION pg_stat_statements").await;
    db.sql(SALES).await;
    install_version_2(&db).await;
    db.sql(&format!(
        "GRANT USAGE ON SCHEMA pgtend TO {writer}, {reader};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA pgtend TO {writer};
         GRANT SELECT ON ALL TABLES IN SCHEMA pgtend TO {reader}"
    ))
    .await;
    let call = ["snapshot", "--format", "json"];
    let output = db.pgtend(&call).expect(0).came_to("done");
    assert_eq!(output.warned("measures-not-kept"), ["pgtend"]);
    let taken = output.json().snapshot.unwrap();
    assert!(taken.statements > Some(0) && taken.measures.is_none(), "{output}");
    let declared = db.declare("CREATE INDEX sales_user ON sales (user_id);");
    let output = db.apply(&[&declared]).expect(0).came_to("done");
    assert_eq!(output.warned("not_recorded"), [""; 0], "{output}");
    db.pgtend_as(&reader, &["history"]).expect(0);
    db.pgtend(&["slow-queries", "--since", "1"]).expect(0);
    db.sql("DROP EXTENSION pg_stat_statements").await;
    let error = db.pgtend(&call).expect(3).json().error.unwrap();
    assert!(error.hint.unwrap().contains("pgtend init"));

    let output = db.pgtend(&["init"]).expect(0);
    assert!(output.stdout.contains("Upgraded the schema pgtend to version 3"), "{output}");
    let rows = "SELECT count(*) FROM pgtend.run UNION ALL SELECT count(*) FROM pgtend.snapshot";
    assert_eq!(db.value(rows).await, "1");
    db.pgtend_as(&reader, &["history"]).expect(0);
    let taken = db.pgtend_as(&writer, &call).expect(0).json().snapshot.unwrap();
    assert_eq!((taken.id, taken.measures), (Some(2), taken.measures_changed));
    assert!(taken.measures > Some(0), "{taken:?}");
    db.pgtend_as(&writer, &["snapshot", "--prune", "--keep", "0s"]).expect(0);
    let refused = db.pgtend_as(&reader, &call).expect(3);
    assert!(refused.stdout.contains("permission denied"), "{refused}");
    db.pgtend(&["init", "--uninstall", "--yes"]).expect(0);
    let left = "SELECT count(*) FROM pg_namespace WHERE nspname = 'pgtend'";
    assert_eq!(db.value(left).await, "0");
}

/// Slots are the server's, and a copy of a database is made where nobody is connected: a server of its own.
#[tokio::test]
async fn slots_are_measured_and_a_copy_of_the_database_begins_anew() {
    let sandbox = Sandbox::start(&server::options()).unwrap();
    let url = sandbox.url("postgres");
    let client = connect_to(&url).await.unwrap();
    client
        .batch_execute("SELECT pg_create_physical_replication_slot('standby', true)")
        .await
        .unwrap();
    client.batch_execute("CREATE DATABASE first").await.unwrap();
    let call = |database: &str, arguments: &[&str]| {
        let url = sandbox.url(database);
        Pgtend::new(&[arguments, &["-d", &url]].concat()).run().expect(0)
    };
    call("first", &["init"]);
    call("first", &["snapshot"]);
    let first = connect_to(&sandbox.url("first")).await.unwrap();
    let slot = "SELECT count(*) FROM pgtend.measure m, pg_replication_slots s
                WHERE m.kind = 'slot_position' AND m.object = s.slot_name
                AND m.value = s.restart_lsn - '0/0'::pg_lsn";
    assert_eq!(value(&first, slot).await, "1");
    let kinds = value(&first, "SELECT string_agg(DISTINCT kind, ' ') FROM pgtend.measure").await;
    let of_tables = "table_bytes table_rows dead_rows rows_inserted rows_updated rows_deleted index_bytes \
                     index_scans sequence_value constraint_not_valid";
    for kind in MeasureKind::ALL {
        let is_counted = kind != MeasureKind::AutovacuumMs || server::binaries().major >= 18;
        let is_expected = is_counted && !of_tables.split(' ').any(|name| name == kind.name());
        let is_found = kinds.split(' ').any(|name| name == kind.name());
        assert_eq!(is_found, is_expected, "{} in {kinds}", kind.name());
    }
    drop(first);
    until("nobody is connected", || async {
        client.batch_execute("CREATE DATABASE second TEMPLATE first").await.is_ok()
    })
    .await;
    call("second", &["snapshot"]);
    call("first", &["snapshot"]);
    for (database, since) in [("first", "1"), ("second", "2")] {
        let client = connect_to(&sandbox.url(database)).await.unwrap();
        let sql = "SELECT since FROM pgtend.measure WHERE kind = 'wal_position'";
        assert_eq!(value(&client, sql).await, since, "{database}");
    }
    drop(client);
    sandbox.stop().unwrap();
}
