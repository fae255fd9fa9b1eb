//! The engine among others: whom it waits for, who waits for it, and what becomes of its builds
//! when it cannot watch them.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio_postgres::Client;

use crate::support::standby::{connected, primary, standby_of, words};
use crate::support::{
    Blocker, Database, Output, Pgtend, Proxy, Running, SALES, sqlstate, until, value,
};

const SALES_USER: &str = "CREATE INDEX sales_user ON sales (user_id);";
const CREATE_SALES_USER: &str = "CREATE INDEX CONCURRENTLY sales_user ON public.sales (user_id)";
const DROP_SALES_USER: &str = "DROP INDEX CONCURRENTLY public.sales_user";

const BEFORE_BUILD: &str = "waiting for writers before build";
const AT_THE_END: &str = "waiting for old snapshots";

/// Whom a build waits for is told so soon.
const SOON: Duration = Duration::from_secs(1);

async fn with_sales() -> Database {
    let db = Database::new().await;
    db.sql(SALES).await;
    db.sql("CREATE TABLE users (id int, name text)").await;
    db
}

/// Two transactions that look like what a build of an index on sales waits for, and are not: one
/// has read the table, and one has written to another.
async fn bystanders(db: &Database) -> [Blocker; 2] {
    [
        db.hold("SELECT count(*) FROM sales").await,
        db.hold("INSERT INTO users VALUES (1, 'bystander')").await,
    ]
}

/// A session of some application that has a transaction open.
async fn application(db: &Database, role: &str, sql: &str) -> (Client, String) {
    let session = db.session_as(role).await;
    session.batch_execute("SET application_name = 'till'").await.unwrap();
    let pid = value(&session, "SELECT pg_backend_pid()").await;
    session.batch_execute(sql).await.unwrap();
    (session, pid)
}

async fn clerk(db: &Database) -> String {
    let clerk = db.role("clerk").await;
    db.sql(&format!("GRANT ALL ON sales, users TO {clerk}")).await;
    clerk
}

/// Waits until the run says that it waits for this one; it has to say so soon after the build has
/// begun to wait in the given phase.
async fn is_told(db: &Database, running: &mut Running, phase: &str, who: &str) {
    db.until_phase(phase, 1).await;
    let since = Instant::now();
    running.until_it_says(&format!("waits for {who}")).await;
    assert!(since.elapsed() < SOON, "told after {:?}", since.elapsed());
}

#[tokio::test]
async fn the_writer_that_a_build_waits_for_is_named() {
    let db = with_sales().await;
    let clerk = clerk(&db).await;
    let _bystanders = bystanders(&db).await;
    let write = "BEGIN; UPDATE sales SET status = 'paid' WHERE id = 7";
    let (writer, pid) = application(&db, &clerk, write).await;
    let mut running = db.start_apply(&[&db.declare(SALES_USER)]);

    let who = format!("pid {pid} (till, {clerk}, idle in transaction, transaction ");
    is_told(&db, &mut running, BEFORE_BUILD, &who).await;
    running.until_it_says(&format!("old, statement: {write})")).await;
    writer.batch_execute("COMMIT").await.unwrap();
    let output = running.wait().expect(0).came_to("done");
    assert_eq!(output.stderr.matches("waits for").count(), 1, "{output}");
    db.assert_whole("sales_user").await;
}

#[tokio::test]
async fn the_old_snapshot_that_a_build_waits_for_is_named() {
    let db = with_sales().await;
    let clerk = clerk(&db).await;
    let _bystanders = bystanders(&db).await;
    let read = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM users";
    let (reader, pid) = application(&db, &clerk, read).await;
    let mut running = db.start_apply(&[&db.declare(SALES_USER)]);

    let who = format!("pid {pid} (till, {clerk}, idle in transaction, transaction ");
    is_told(&db, &mut running, AT_THE_END, &who).await;
    reader.batch_execute("COMMIT").await.unwrap();
    running.wait().expect(0).came_to("done");
    db.assert_whole("sales_user").await;
}

#[tokio::test]
async fn the_prepared_transaction_that_a_build_waits_for_is_named() {
    let db = with_sales().await;
    let _bystanders = bystanders(&db).await;
    let (elsewhere, here) = (format!("{}_users", db.name), format!("{}_sales", db.name));
    // The older one is in nobody's way.
    for (gid, table) in [(&elsewhere, "users"), (&here, "sales")] {
        let lock = format!("LOCK TABLE {table} IN ROW EXCLUSIVE MODE");
        db.sql(&format!("BEGIN; {lock}; INSERT INTO {table} (id) VALUES (-1)")).await;
        db.sql(&format!("PREPARE TRANSACTION '{gid}'")).await;
    }
    let mut running = db.start_apply(&[&db.declare(SALES_USER)]);

    let who = format!("the prepared transaction {here} (transaction ");
    is_told(&db, &mut running, BEFORE_BUILD, &who).await;
    db.sql(&format!("ROLLBACK PREPARED '{here}'")).await;
    let output = running.wait().expect(0).came_to("done");
    assert!(!output.stderr.contains(&elsewhere), "{output}");
    db.assert_whole("sales_user").await;
    db.sql(&format!("ROLLBACK PREPARED '{elsewhere}'")).await;
}

#[tokio::test]
async fn statements_of_others_can_be_kept_secret() {
    let db = with_sales().await;
    let write = "BEGIN; UPDATE sales SET status = 'secret' WHERE id = 7";
    let (writer, pid) = application(&db, "postgres", write).await;
    let declared = db.declare(SALES_USER);
    let mut running = db.start_apply(&["--no-query-text", &declared]);

    running.until_it_says(&format!("waits for pid {pid} (till, postgres, ")).await;
    let alter = db.queue("ALTER TABLE sales ALTER status SET DEFAULT 'secret'").await;
    running.until_it_says("waits for this build").await;
    writer.batch_execute("COMMIT").await.unwrap();
    let output = running.wait().expect(0);
    assert!(!output.to_string().contains("secret"), "{output}");
    assert_eq!(sqlstate(alter).await, "");
}

#[tokio::test]
async fn events_are_json_one_a_line_and_nothing_else_is_said() {
    let db = with_sales().await;
    let writer = db.writer("sales").await;
    // The second one is warned of.
    let declared = db.declare(&format!("{SALES_USER} CREATE INDEX twin ON sales (user_id);"));
    let mut running = db.start_apply(&["--events", &declared]);

    running.until_it_says("\"event\":\"waiting\"").await;
    let pid = writer.pid.clone();
    writer.release().await;
    let output = running.wait().expect(0).came_to("done");
    let events = output.stderr.lines().map(|line| {
        let event = serde_json::from_str::<Value>(line);
        event.unwrap_or_else(|error| panic!("{error}: {line}\n{output}"))
    });
    let events = events.collect::<Vec<_>>();
    let about = |name: &str, key: &str| {
        let named = events.iter().filter(|event| event["event"] == name);
        named.map(|event| event[key].to_string().replace('"', "")).collect::<Vec<_>>()
    };
    let both = ["public.sales_user", "public.twin"];
    assert_eq!(about("started", "object"), both);
    assert_eq!(about("finished", "object"), both);
    assert_eq!(about("finished", "status"), ["done", "done"]);
    assert_eq!(about("sending", "sql"), db.applied());
    assert!(about("waiting", "pid").iter().all(|it| *it == pid), "{output}");
    assert_eq!(about("waiting", "object")[0], "public.sales_user");
    assert!(events.iter().all(|event| event["event"].is_string()), "{output}");
    assert_eq!(output.warned("redundant_index"), ["public.twin"]);
}

#[tokio::test]
async fn a_run_never_waits_for_itself() {
    let db = Database::new().await;
    db.sql("CREATE TABLE a AS SELECT generate_series(1, 1000) AS id; CREATE TABLE b (id int)")
        .await;
    let indexes = (0..12).map(|n| {
        format!(
            "CREATE INDEX a_{n} ON a ((id + {n})); CREATE INDEX b_{n} ON b (id) WHERE id > {n};"
        )
    });
    let output = db.apply(&[&db.declare(&indexes.collect::<String>())]).expect(0);
    assert!(!output.stderr.contains("waits for"), "{output}");
    let waited = output.json().steps.iter().map(|step| step.waited_ms).sum::<u64>();
    assert_eq!(waited, 0, "{output}");
}

#[tokio::test]
async fn events_go_only_with_json() {
    let db = with_sales().await;

    let output = db.pgtend(&["apply", "--events", &db.declare(SALES_USER)]).expect(2);
    assert!(output.stderr.contains("--events goes with --format json"), "{output}");
    assert!(db.applied().is_empty());
}

#[tokio::test]
async fn what_cannot_be_dropped_in_time_is_told_and_dropped_by_the_next_run() {
    // Two at once, because it takes a while until pgtend gives up.
    let (said, written) = (Stuck::new(&[]).await, Stuck::new(&["--format", "json"]).await);
    let cleanup = format!("{DROP_SALES_USER};");

    let (said, output) = said.end().await;
    assert!(output.stderr.contains(&cleanup), "{output}");
    let (written, output) = written.end().await;
    let step = output.step("public.sales_user");
    assert_eq!(step.status, "failed");
    assert_eq!(step.cleanup.as_deref(), Some(cleanup.as_str()));
    let named = format!("gave up after waiting for pid {}", written.snapshot);
    assert!(step.reason.starts_with(&named), "{}", step.reason);
    let reader = format!("could not be dropped yet, because pid {} (", written.reader);
    assert!(step.reason.contains(&reader), "{step:?}");
    assert!(step.reason.ends_with("uses the table, the next run does it"), "{step:?}");
    // A second of waiting, at most two for cleaning up, and what a busy machine takes.
    assert!(step.duration_ms < 5_000, "{step:?}");

    for Freed { db, declared, .. } in [said, written] {
        assert_eq!(db.leftovers().await, "sales_user");
        let output = db.apply(&[&declared]).expect(0).came_to("done");
        assert_eq!(output.step("public.sales_user").action, "heal_index");
        db.assert_whole("sales_user").await;
        assert_eq!(db.leftovers().await, "");
    }
}

/// A run whose build waits for a snapshot, and whose cleaning up for a transaction that has read
/// the table.
struct Stuck {
    db: Database,
    declared: String,
    blockers: [Blocker; 2],
    running: Running,
}

/// The same when nothing is in the way any more.
struct Freed {
    db: Database,
    declared: String,
    snapshot: String,
    reader: String,
}

impl Stuck {
    async fn new(arguments: &[&str]) -> Stuck {
        let db = with_sales().await;
        let declared = db.declare(SALES_USER);
        let blockers = [db.old_snapshot().await, db.hold("SELECT count(*) FROM sales").await];
        let apply = ["apply", "--max-wait", "1s", &declared];
        let running = db.start(&[&apply, arguments].concat());
        Stuck { db, declared, blockers, running }
    }

    async fn end(self) -> (Freed, Output) {
        let Stuck { db, declared, blockers: [snapshot, reader], running } = self;
        let output = running.wait_within(Duration::from_secs(45)).expect(4);
        let [snapshot_pid, reader_pid] = [&snapshot, &reader].map(|blocker| blocker.pid.clone());
        snapshot.release().await;
        reader.release().await;
        (Freed { db, declared, snapshot: snapshot_pid, reader: reader_pid }, output)
    }
}

/// A build and another statement that wait for each other when the build comes to its end.
struct Fight {
    db: Database,
    oid: u32,
    /// How the run ended.
    output: Output,
    /// How the other statement ended.
    other: String,
}

impl Fight {
    /// A writer holds up the build until the other statement waits for the table, with a snapshot
    /// and having looked for a deadlock in vain. It is the build that finds the deadlock.
    async fn with(other: &str, arguments: &[&str], foreseen: &str) -> Fight {
        let db = with_sales().await;
        // As long as it is by default: so long does pgtend have to see the deadlock first.
        db.sql(&format!("ALTER DATABASE {} SET deadlock_timeout = '1s'", db.name)).await;
        let declared = db.declare(SALES_USER);
        let writer = db.writer("sales").await;
        let mut running = db.start_apply(&[arguments, &[&declared]].concat());
        db.until_phase(BEFORE_BUILD, 1).await;
        let oid = db.index("sales_user").await.unwrap().oid;
        let other = db.queue(other).await;
        running.until_it_says(foreseen).await;
        writer.release().await;
        let output = running.wait();
        let other = sqlstate(other).await;
        Fight { db, oid, output, other }
    }
}

const FORESEEN: &str = "it will deadlock with this build at its end";
const DDL_FORESEEN: &str = "waits for this build to lock public.sales";

const ALTER: &str = "ALTER TABLE sales ADD COLUMN note text";
const REPEATABLE: [&str; 2] =
    ["ANALYZE sales", "CREATE INDEX CONCURRENTLY foreign_build ON sales (status)"];

#[tokio::test]
async fn without_pgtend_the_build_is_the_victim_of_a_deadlock() {
    for other in [REPEATABLE[0], REPEATABLE[1], ALTER] {
        let db = with_sales().await;
        let writer = db.writer("sales").await;
        let build = db.send("CREATE INDEX CONCURRENTLY sales_user ON sales (user_id)").await;
        db.until_phase(BEFORE_BUILD, 1).await;
        let other = db.queue(other).await;
        writer.release().await;

        assert_eq!(sqlstate(build).await, "40P01");
        assert_eq!(sqlstate(other).await, "");
        assert!(!db.index("sales_user").await.unwrap().valid);
    }
}

#[tokio::test]
async fn a_build_survives_a_deadlock_with_what_can_be_repeated() {
    for other in REPEATABLE {
        let Fight { db, oid, output, other } = Fight::with(other, &[], FORESEEN).await;

        let output = output.expect(0).came_to("done");
        assert_eq!(other, "57014", "{output}");
        assert!(output.stderr.contains("deadlock: cancels the statement of pid"), "{output}");
        assert_eq!(db.assert_whole("sales_user").await.oid, oid);
        assert_eq!(db.applied(), [CREATE_SALES_USER]);
        assert_eq!(db.leftovers().await, "");
    }
}

#[tokio::test]
async fn what_can_be_repeated_is_the_victim_even_where_the_build_is_to_give_way() {
    let arguments = ["--deadlock-victim", "self", "--yield-to-ddl", "self"];
    let Fight { db, oid, output, other } = Fight::with("ANALYZE sales", &arguments, FORESEEN).await;

    output.expect(0).came_to("done");
    assert_eq!(other, "57014");
    assert_eq!(db.assert_whole("sales_user").await.oid, oid);
}

#[tokio::test]
async fn postgresql_chooses_the_victim_of_a_deadlock_with_an_alter_and_the_build_converges() {
    let Fight { db, output, other, .. } = Fight::with(ALTER, &[], DDL_FORESEEN).await;

    let output = output.expect(0).came_to("done");
    assert!(output.stderr.contains("PostgreSQL will end one of the two"), "{output}");
    db.assert_whole("sales_user").await;
    assert_eq!(db.leftovers().await, "");
    // pgtend did not touch it: it was done, or PostgreSQL ended it.
    assert!(["", "40P01"].contains(&other.as_str()), "{other}\n{output}");
}

#[tokio::test]
async fn an_alter_is_the_victim_of_a_deadlock_by_flag() {
    let arguments = ["--deadlock-victim", "other"];
    let Fight { db, oid, output, other } = Fight::with(ALTER, &arguments, DDL_FORESEEN).await;

    let output = output.expect(0).came_to("done");
    assert_eq!(other, "57014", "{output}");
    assert!(output.stderr.contains("deadlock: cancels the statement of pid"), "{output}");
    assert_eq!(db.assert_whole("sales_user").await.oid, oid);
    assert_eq!(db.applied(), [CREATE_SALES_USER]);
}

#[tokio::test]
async fn a_build_gives_way_in_a_deadlock_by_flag() {
    let arguments = ["--deadlock-victim", "self"];
    let Fight { db, output, other, .. } = Fight::with(ALTER, &arguments, DDL_FORESEEN).await;

    let output = output.expect(4).came_to("failed");
    assert_eq!(other, "", "{output}");
    let reason = output.step("public.sales_user").reason;
    assert!(reason.starts_with("gave way in a deadlock with pid"), "{reason}");
    assert!(reason.ends_with("what it left was dropped"), "{reason}");
    assert_eq!(db.index("sales_user").await, None);
    assert_eq!(db.applied(), [CREATE_SALES_USER, DROP_SALES_USER]);
}

/// A build that waits at its end, an ALTER that waits for the build, and a query behind that.
struct Queue {
    db: Database,
    snapshot: Blocker,
    oid: u32,
    running: Running,
    alter: tokio::task::JoinHandle<Result<(), tokio_postgres::Error>>,
    query: tokio::task::JoinHandle<Result<(), tokio_postgres::Error>>,
}

impl Queue {
    async fn new(arguments: &[&str]) -> Queue {
        let db = with_sales().await;
        let declared = db.declare(SALES_USER);
        let snapshot = db.old_snapshot().await;
        let mut running = db.start_apply(&[arguments, &[&declared]].concat());
        db.until_phase(AT_THE_END, 1).await;
        let oid = db.index("sales_user").await.unwrap().oid;
        let alter = db.queue(ALTER).await;
        let since = Instant::now();
        let query = db.send("SELECT count(*) FROM sales").await;
        running
            .until_it_says("waits for this build to lock public.sales, and 1 session queues")
            .await;
        assert!(since.elapsed() < SOON, "told after {:?}", since.elapsed());
        Queue { db, snapshot, oid, running, alter, query }
    }
}

#[tokio::test]
async fn ddl_that_waits_for_a_build_is_told_with_its_queue() {
    let Queue { db, snapshot, oid, running, alter, query } = Queue::new(&[]).await;

    // It is only told: both wait for as long as the build does.
    assert!(!alter.is_finished() && !query.is_finished());
    snapshot.release().await;
    running.wait().expect(0).came_to("done");
    assert_eq!((sqlstate(alter).await, sqlstate(query).await), (String::new(), String::new()));
    assert_eq!(db.assert_whole("sales_user").await.oid, oid);
}

#[tokio::test]
async fn ddl_that_waits_for_a_build_gives_way_by_flag() {
    let queue = Queue::new(&["--yield-to-ddl", "waiter"]).await;
    let Queue { db, snapshot, oid, running, alter, query } = queue;

    assert_eq!((sqlstate(alter).await.as_str(), sqlstate(query).await.as_str()), ("57014", ""));
    // Whoever tries again from the same session is treated alike.
    let migration = db.session().await;
    migration.batch_execute("SET lock_timeout = '10s'").await.unwrap();
    for _ in 0..2 {
        let error = migration.batch_execute(ALTER).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "57014");
    }
    snapshot.release().await;
    let output = running.wait().expect(0).came_to("done");
    assert!(output.stderr.contains("cancels the waiter: pid"), "{output}");
    assert_eq!(db.assert_whole("sales_user").await.oid, oid);
}

#[tokio::test]
async fn a_build_gives_way_to_ddl_by_flag() {
    let queue = Queue::new(&["--yield-to-ddl", "self"]).await;
    let Queue { db, snapshot, running, alter, query, .. } = queue;

    assert_eq!((sqlstate(alter).await, sqlstate(query).await), (String::new(), String::new()));
    let output = running.wait().expect(4).came_to("failed");
    let reason = output.step("public.sales_user").reason;
    assert!(reason.starts_with("gave way: pid"), "{reason}");
    assert_eq!(db.index("sales_user").await, None);
    assert_eq!(db.applied(), [CREATE_SALES_USER, DROP_SALES_USER]);
    snapshot.release().await;
}

#[tokio::test]
async fn nothing_is_begun_before_an_old_prepared_transaction_has_ended() {
    let db = with_sales().await;
    let gid = format!("{}_old", db.name);
    db.sql(&format!(
        "BEGIN; INSERT INTO sales (id) VALUES (-1); PREPARE TRANSACTION '{gid}'"
    ))
    .await;
    let declared = db.declare(SALES_USER);
    let eager = ["--max-blocker-age", "0s", "--max-wait", "1s", &declared];
    let reason = db.apply(&eager).expect(4).step("public.sales_user").reason;
    let wanted = format!("skipped for now: it would wait for the prepared transaction {gid} (");
    assert!(reason.starts_with(&wanted), "{reason}");
    assert!(db.applied().is_empty(), "{:?}", db.applied());
    db.sql(&format!("ROLLBACK PREPARED '{gid}'")).await;
}

#[tokio::test]
async fn nothing_is_begun_before_an_old_transaction_has_ended() {
    for old in ["an old writer", "an old snapshot"] {
        let db = with_sales().await;
        let declared = db.declare(SALES_USER);
        let blocker = match old {
            "an old writer" => db.writer("sales").await,
            _ => db.old_snapshot().await,
        };

        let eager = ["--max-blocker-age", "0s", "--max-wait", "1s", &declared];
        let output = db.apply(&eager).expect(4).came_to("failed");
        let reason = output.step("public.sales_user").reason;
        let wanted = format!("skipped for now: it would wait for pid {} (test, ", blocker.pid);
        assert!(reason.starts_with(&wanted), "{reason}");
        let mut patient = db.start_apply(&["--max-blocker-age", "0s", &declared]);
        patient.until_it_says(", before it begins").await;
        assert_eq!(db.index("sales_user").await, None);
        assert!(db.applied().is_empty(), "{:?}", db.applied());

        blocker.release().await;
        patient.wait().expect(0).came_to("done");
        db.assert_whole("sales_user").await;
        assert_eq!(db.applied(), [CREATE_SALES_USER]);
    }
}

#[tokio::test]
async fn after_a_kill_the_server_ends_the_build_unless_it_was_detached() {
    let (mortal, orphan) = (with_sales().await, with_sales().await);
    let (first, second) = (mortal.writer("sales").await, orphan.writer("sales").await);
    let (here, there) = (mortal.declare(SALES_USER), orphan.declare(SALES_USER));
    for (db, arguments) in [(&mortal, vec![here.as_str()]), (&orphan, vec!["--detach", &there])] {
        let running = db.start_apply(&arguments);
        db.until_phase(BEFORE_BUILD, 1).await;
        running.signal("KILL");
        running.wait().expect(-9);
    }
    let builder = "SELECT pid FROM pg_stat_progress_create_index \
                   WHERE datname = current_database()";
    let since = Instant::now();
    until("the server ends the build", || async { mortal.value(builder).await.is_empty() }).await;
    assert!(since.elapsed() < Duration::from_secs(10), "ended after {:?}", since.elapsed());

    let pid = orphan.value(builder).await;
    let built = orphan.index("sales_user").await.unwrap();
    let mut next = orphan.start_apply(&["--wait", "1min", &there]);
    next.until_it_says(&format!("waits for the build by pid {pid} (pgtend/apply)"))
        .await;
    assert_eq!(orphan.index("sales_user").await.unwrap(), built);
    second.release().await;
    next.wait().expect(0);
    assert_eq!(orphan.assert_whole("sales_user").await.oid, built.oid);
    assert_eq!(orphan.applied(), [CREATE_SALES_USER]);

    assert!(!mortal.index("sales_user").await.unwrap().valid);
    first.release().await;
    let output = mortal.apply(&[&here]).expect(0).came_to("done");
    assert_eq!(output.step("public.sales_user").action, "heal_index");
    mortal.assert_whole("sales_user").await;
    assert_eq!(mortal.applied(), [CREATE_SALES_USER, DROP_SALES_USER, CREATE_SALES_USER]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_whose_connection_breaks_is_watched_and_not_sent_again() {
    let db = with_sales().await;
    let declared = db.declare(SALES_USER);
    let proxy = Proxy::start(Path::new(&db.server.socket_dir), db.server.port).await;
    let url = format!("host=127.0.0.1 port={} user=postgres dbname={}", proxy.port, db.name);
    let snapshot = db.old_snapshot().await;
    let apply = ["apply", "--detach", "--format", "json", &declared];
    let mut running = Pgtend::new(&apply).env("DATABASE_URL", &url).start();
    db.until_phase(AT_THE_END, 1).await;
    let oid = db.index("sales_user").await.unwrap().oid;

    proxy.cut();
    running
        .until_it_says("our connection broke, but the server goes on with our work")
        .await;
    db.until_phase(AT_THE_END, 1).await;
    snapshot.release().await;
    let output = running.wait().expect(0).came_to("done");
    assert_eq!(output.step("public.sales_user").status, "done");
    assert_eq!(db.assert_whole("sales_user").await.oid, oid);
    assert_eq!(db.applied(), [CREATE_SALES_USER]);
}

#[tokio::test]
async fn a_build_that_reaches_temp_file_limit_leaves_nothing() {
    let db = Database::new().await;
    let role = db.role("thrifty").await;
    db.sql(&format!(
        "CREATE TABLE words (word text); INSERT INTO words SELECT md5(n::text)
         FROM generate_series(1, 40000) n; ALTER TABLE words OWNER TO {role};
         GRANT CREATE ON SCHEMA public TO {role}; ALTER ROLE {role} SET temp_file_limit = '200kB'"
    ))
    .await;
    let declared = db.declare("CREATE INDEX words_word ON words (word);");
    let small = ["--maintenance-work-mem", "1MB", &declared];

    let output = db.apply_as(&role, &small).expect(4).came_to("failed");
    let step = output.step("public.words_word");
    assert_eq!(step.sqlstate.as_deref(), Some("53400"), "{output}");
    assert!(step.reason.contains("temp_file_limit"), "{}", step.reason);
    assert!(step.reason.ends_with("what it left was dropped"), "{}", step.reason);
    assert_eq!(db.index("words_word").await, None);
    db.sql(&format!("ALTER ROLE {role} RESET temp_file_limit")).await;
    db.apply_as(&role, &small).expect(0).came_to("done");
    db.assert_whole("words_word").await;
}

#[tokio::test]
async fn nothing_is_begun_while_a_standby_is_behind() {
    let mut server = primary();
    let standby = standby_of(&mut server, "paris");
    let (primary, replica) = (connected(&server).await, connected(&standby).await);
    until("the standby streams", async || {
        value(&primary, "SELECT state FROM pg_stat_replication").await == "streaming"
    })
    .await;
    replica.batch_execute("SELECT pg_wal_replay_pause()").await.unwrap();
    until("the standby has stopped replaying", async || {
        value(&replica, "SELECT pg_get_wal_replay_pause_state()").await == "paused"
    })
    .await;
    primary.batch_execute(SALES).await.unwrap();
    until("the standby is behind", async || {
        value(&primary, "SELECT replay_lag > '1s' FROM pg_stat_replication").await == "t"
    })
    .await;

    let folder = tempfile::tempdir().unwrap();
    let declared = folder.path().join("declared.sql");
    fs::write(&declared, SALES_USER).unwrap();
    let (words, declared) = (words(&server), declared.display().to_string());
    let lag = ["apply", "--format", "json", "-d", &words, "--max-replica-lag", "1s", &declared];
    let output = Pgtend::new(&[&lag[..], &["--max-wait", "1s"]].concat()).run().expect(4);
    let reason = output.step("public.sales_user").reason;
    assert!(
        reason.starts_with("skipped for now: it would wait for the standby paris"),
        "{reason}"
    );
    let made = "SELECT count(*) FROM pg_class WHERE relname = 'sales_user'";
    assert_eq!(value(&primary, made).await, "0");

    let mut running = Pgtend::new(&lag).start();
    running.until_it_says("waits for the standby paris").await;
    replica.batch_execute("SELECT pg_wal_replay_resume()").await.unwrap();
    running.wait().expect(0).came_to("done");
    assert_eq!(value(&primary, made).await, "1");
    standby.stop().unwrap();
    server.stop().unwrap();
}

#[tokio::test]
async fn an_index_for_which_the_disk_has_no_room_is_left_for_later() {
    let db = with_sales().await;
    db.sql("ANALYZE sales").await;
    // The statistics speak of more rows than any disk holds.
    db.sql("UPDATE pg_class SET reltuples = 1e15, relpages = 2e9 WHERE oid = 'sales'::regclass")
        .await;
    let declared = db.declare(&format!("{SALES_USER} CREATE INDEX users_id ON users (id);"));

    let output = db.apply(&[&declared]).expect(4).came_to("failed");
    let reason = output.step("public.sales_user").reason;
    assert!(reason.starts_with("skipped for now: the index needs about "), "{reason}");
    let folder = db.value("SHOW data_directory").await;
    assert!(reason.contains(&format!("and {folder} has ")), "{reason}");
    assert_eq!(output.step("public.users_id").status, "done");
    assert_eq!(db.index("sales_user").await, None);
    assert_eq!(db.applied(), ["CREATE INDEX CONCURRENTLY users_id ON public.users (id)"]);

    // Whoever comes over the network does not see that disk.
    let role = db.role("remote").await;
    db.sql(&format!(
        "ALTER TABLE sales OWNER TO {role}; GRANT CREATE ON SCHEMA public TO {role}"
    ))
    .await;
    let declared = db.declare(SALES_USER);
    Pgtend::new(&["apply", "-d", &db.tcp_as(&role), &declared]).run().expect(0);
    db.assert_whole("sales_user").await;
}

#[tokio::test]
async fn nothing_more_is_begun_when_the_disk_is_full() {
    let db = with_sales().await;
    // What the server says when a file cannot grow.
    db.sql(
        "CREATE FUNCTION full_disk(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
         $$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$",
    )
    .await;
    let declared = db.declare(
        "CREATE INDEX sales_full ON sales (full_disk(id)); CREATE INDEX sales_more ON sales (status);
         CREATE INDEX sales_last ON sales (full_disk(amount));",
    );
    let output = db.apply(&["--jobs", "1", &declared]).expect(4).came_to("failed");
    let full = output.step("public.sales_full");
    assert_eq!(full.sqlstate.as_deref(), Some("53100"), "{output}");
    let reason = output.step("public.sales_last").reason;
    assert!(reason.starts_with("not started: "), "{reason}");
    assert!(reason.contains("No space left on device"), "{reason}");
    // Plain columns come first, and so before the disk was full.
    assert_eq!(output.step("public.sales_more").status, "done");
    assert_eq!(db.leftovers().await, "");
}

#[tokio::test]
async fn tables_are_built_on_side_by_side_and_each_by_one_build_at_a_time() {
    let db = with_sales().await;
    let declared = db.declare(
        "CREATE INDEX sales_user ON sales (user_id); CREATE INDEX sales_status ON sales (status);
         CREATE INDEX users_id ON users (id); CREATE INDEX users_name ON users (name);",
    );
    let snapshot = db.old_snapshot().await;
    let mut running = db.start_apply(&["--jobs", "4", &declared]);
    db.until_phase(AT_THE_END, 2).await;

    let tables = "SELECT string_agg(relid::regclass::text, ' ' ORDER BY relid::regclass::text) \
                  FROM pg_stat_progress_create_index WHERE datname = current_database()";
    assert_eq!(db.value(tables).await, "sales users");
    assert_eq!(db.applied().len(), 2, "{:?}", db.applied());
    snapshot.release().await;
    // A second build would show itself there, or as a waiter for the table.
    let crowded = "SELECT count(*) FROM pg_locks WHERE locktype = 'relation' \
                   AND mode = 'ShareUpdateExclusiveLock' \
                   AND relation IN ('sales'::regclass, 'users'::regclass) \
                   GROUP BY relation HAVING count(DISTINCT pid) > 1";
    while running.goes_on() {
        assert_eq!(db.value(crowded).await, "");
    }
    running.wait().expect(0).came_to("done");
    for index in ["sales_user", "sales_status", "users_id", "users_name"] {
        db.assert_whole(index).await;
    }
    assert_eq!(db.applied().len(), 4);
}

/// A build that waits at its end while somebody does this; returns how the run ended after that, and
/// how that statement did.
async fn built_meanwhile(db: &Database, meanwhile: &str) -> (Output, String) {
    let declared = db.declare(SALES_USER);
    let snapshot = db.old_snapshot().await;
    let running = db.start_apply(&[&declared]);
    db.until_phase(AT_THE_END, 1).await;
    let seen = db.index("sales_user").await.unwrap();
    let other = db.queue(meanwhile).await;
    snapshot.release().await;
    let output = running.wait();
    assert!(!seen.valid);
    assert_eq!(db.applied(), [CREATE_SALES_USER], "{output}");
    (output, sqlstate(other).await)
}

/// The same where it was done before the run looked: both wait for the end of the build, and the one
/// that the server wakes first is the first. Where it meets the build's last write to the catalog,
/// the server refuses it (tuple concurrently updated).
async fn seen_meanwhile(meanwhile: &str) -> Output {
    for _ in 0..20 {
        let (output, sqlstate) = built_meanwhile(&with_sales().await, meanwhile).await;
        match sqlstate.as_str() {
            "XX000" => {}
            "" if output.code == 0 => {}
            "" => return output,
            other => panic!("{meanwhile}: {other}"),
        }
    }
    panic!("{meanwhile}: never seen in twenty runs");
}

#[tokio::test]
async fn what_became_of_a_table_during_the_build_is_told() {
    let cases = [
        (
            "ALTER TABLE sales RENAME TO old",
            "public.sales was renamed meanwhile: it is public.old now",
        ),
        (
            "ALTER TABLE sales RENAME TO old; CREATE TABLE sales (LIKE old)",
            "public.sales was renamed meanwhile: it is public.old now",
        ),
        (
            "CREATE SCHEMA past; ALTER TABLE sales SET SCHEMA past",
            "public.sales was moved meanwhile: it is past.sales now",
        ),
        ("DROP TABLE sales", "public.sales was dropped meanwhile"),
        ("DROP INDEX sales_user", "built, then dropped by another session"),
    ];
    for (meanwhile, told) in cases {
        let output = seen_meanwhile(meanwhile).await.expect(4).came_to("failed");
        let reason = output.step("public.sales_user").reason;
        assert!(reason.starts_with(told), "{meanwhile}: {reason}\n{output}");
    }
}

#[tokio::test]
async fn an_index_that_is_renamed_during_its_build_is_not_built_twice() {
    let db = with_sales().await;
    let declared = db.declare(SALES_USER);
    let snapshot = db.old_snapshot().await;
    let running = db.start_apply(&[&declared]);
    db.until_phase(AT_THE_END, 1).await;
    db.sql("ALTER INDEX sales_user RENAME TO renamed").await;
    // So that it has been seen.
    let sees = Instant::now();
    until("it has been looked at", async || sees.elapsed() > 2 * SOON).await;
    snapshot.release().await;

    let output = running.wait().expect(4).came_to("failed");
    let told = "built, but public.sales_user was renamed meanwhile: it is public.renamed now";
    assert_eq!(output.step("public.sales_user").reason, told);
    db.assert_whole("renamed").await;
    assert_eq!(db.applied(), [CREATE_SALES_USER]);
}
