//! What goes on in the server: who runs, who waits for whom, who is idle in a transaction.

use tokio_postgres::Client;

use crate::support::command::Pgtend;
use crate::support::document::{Document, Session};
use crate::support::{Database, Output, SALES, connect_to, until, value};

async fn with_sales() -> Database {
    let db = Database::new().await;
    db.sql(SALES).await;
    db
}

fn look(db: &Database, arguments: &[&str]) -> Output {
    db.pgtend(&[&["activity", "--format", "json"], arguments].concat()).expect(0)
}

fn pids(document: &Document) -> Vec<String> {
    document.sessions.iter().map(|session| session.pid.to_string()).collect()
}

fn session(output: &Output, pid: &str) -> Session {
    let mut sessions = output.json().sessions.into_iter();
    let session = sessions.find(|session| session.pid.to_string() == pid);
    session.unwrap_or_else(|| panic!("no session {pid}\n{output}"))
}

/// The process that runs exactly this statement.
async fn pid_of(db: &Database, statement: &str) -> String {
    let statement = statement.replace('\'', "''");
    // Another test sends the same one to its own database.
    let sql = format!(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query = '{statement}'"
    );
    db.value(&sql).await
}

/// Sends a statement that goes on until the session ends; returns when it runs.
async fn runs(db: &Database, client: Client, statement: &str) -> String {
    let sent = statement.to_owned();
    let pid = value(&client, "SELECT pg_backend_pid()").await;
    tokio::spawn(async move { client.batch_execute(&sent).await });
    let state = format!("SELECT state || ' ' || query FROM pg_stat_activity WHERE pid = {pid}");
    until(statement, || async { db.value(&state).await == format!("active {statement}") }).await;
    pid
}

/// Waits until the session has done nothing in its transaction for a while.
async fn until_idle(db: &Database, pid: &str) {
    until("a transaction is idle", || async {
        let idle = "state = 'idle in transaction' AND now() - state_change > '50ms'";
        db.value(&format!("SELECT {idle} FROM pg_stat_activity WHERE pid = {pid}"))
            .await
            == "t"
    })
    .await;
}

fn line<'a>(output: &'a Output, start: &str) -> &'a str {
    let line = output.stdout.lines().find(|line| line.trim_start().starts_with(start));
    line.unwrap_or_else(|| panic!("no line with {start}\n{output}"))
}

#[tokio::test]
async fn where_nothing_goes_on_there_is_nothing_to_do() {
    let db = with_sales().await;
    let output = look(&db, &[]).came_to("nothing_to_do");
    assert!(output.json().sessions.is_empty(), "{output}");
    assert!(output.stdout.contains("\"sessions\":[]"), "{output}");
    let output = db.pgtend(&["activity"]).expect(0);
    assert_eq!(output.stdout, "");
    let said = "No statement or transaction is older than 1.0 s, and no session waits.\n";
    let (place, rest) = output.stderr.split_once('\n').unwrap();
    assert_eq!(rest, said);
    assert!(place.starts_with(&format!("{} on /", db.name)), "{place}");
    assert!(place.contains(" (PostgreSQL ") && place.ends_with(") as postgres"), "{place}");
    assert_eq!(db.pgtend(&["activity", "-q"]).expect(0).stderr, "");
    assert_eq!(db.changes("pgtend/activity"), [""; 0]);
}

#[tokio::test]
async fn who_waits_stands_below_whom_it_waits_for() {
    let db = with_sales().await;
    let blocker = db.writer("sales").await;
    let alter = "ALTER TABLE sales ADD note text";
    let waiter = db.queue(alter).await;
    let pid = pid_of(&db, alter).await;

    let output = look(&db, &[]).came_to("done");
    assert_eq!(pids(&output.json()), [blocker.pid.clone(), pid.clone()], "{output}");
    let above = session(&output, &blocker.pid);
    assert_eq!((above.blocks, above.blocked_by, above.lock), (1, vec![], None), "{output}");
    assert_eq!(above.state.as_deref(), Some("idle in transaction"), "{output}");
    assert!(above.idle_ms.is_some() && above.transaction_ms >= above.idle_ms, "{output}");
    assert_eq!((above.duration_ms, above.waits_ms), (None, None), "{output}");
    let below = session(&output, &pid);
    assert_eq!(below.blocked_by, [above.pid], "{output}");
    assert_eq!(below.lock.as_deref(), Some("AccessExclusiveLock on public.sales"), "{output}");
    assert_eq!(below.wait_event_type.as_deref(), Some("Lock"), "{output}");
    assert_eq!(below.wait_event.as_deref(), Some("relation"), "{output}");
    assert_eq!(below.query.as_deref(), Some(alter), "{output}");
    assert_eq!(below.user.as_deref(), Some("postgres"), "{output}");
    assert_eq!(below.database.as_deref(), Some(db.name.as_str()), "{output}");
    assert_eq!(below.application.as_deref(), Some("test"), "{output}");
    assert_eq!((below.client, below.gid), (None, None), "{output}");
    assert_eq!(below.backend_type.as_deref(), Some("client backend"), "{output}");
    assert!(below.waits_ms >= Some(100) && below.duration_ms >= below.waits_ms, "{output}");
    assert_eq!((below.idle_ms, below.blocks, below.in_circle), (None, 0, false), "{output}");

    let output = db.pgtend(&["activity"]).expect(0);
    assert!(output.stdout.find(&blocker.pid) < output.stdout.find(&pid), "{output}");
    let below = line(&output, &format!("└ {pid}"));
    assert!(below.contains(" waits "), "{output}");
    assert!(below.contains("AccessExclusiveLock on public.sales"), "{output}");
    assert!(below.ends_with(alter), "{output}");
    assert!(output.stderr.contains("\n1 waiting, 1 idle in a transaction."), "{output}");
    blocker.release().await;
    waiter.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_chain_of_three_is_three_deep() {
    let db = with_sales().await;
    let reader = db.hold("SELECT count(*) FROM sales").await;
    let alter = "ALTER TABLE sales ADD note text";
    let altering = db.queue(alter).await;
    let select = "SELECT max(amount) FROM sales";
    let selecting = db.queue(select).await;
    let (middle, last) = (pid_of(&db, alter).await, pid_of(&db, select).await);

    let output = look(&db, &[]);
    assert_eq!(
        pids(&output.json()),
        [reader.pid.clone(), middle.clone(), last.clone()],
        "{output}"
    );
    let sessions = output.json().sessions;
    assert_eq!(sessions.iter().map(|it| it.blocks).collect::<Vec<_>>(), [2, 1, 0], "{output}");
    assert_eq!(sessions[2].blocked_by, [sessions[1].pid], "{output}");
    assert_eq!(sessions[2].lock.as_deref(), Some("AccessShareLock on public.sales"), "{output}");
    let output = db.pgtend(&["activity"]).expect(0);
    assert!(output.stdout.contains(&format!("\n └ {middle} ")), "{output}");
    assert!(output.stdout.contains(&format!("\n \u{a0}\u{a0}└ {last} ")), "{output}");
    reader.release().await;
    altering.await.unwrap().unwrap();
    selecting.await.unwrap().unwrap();
}

#[tokio::test]
async fn waiting_for_a_row_names_its_table() {
    let db = with_sales().await;
    let blocker = db.hold("UPDATE sales SET amount = 0 WHERE id = 1").await;
    let update = |amount| format!("UPDATE sales SET amount = {amount} WHERE id = 1");
    let first = db.queue(&update(1)).await;
    let second = db.queue(&update(2)).await;
    let (one, two) = (pid_of(&db, &update(1)).await, pid_of(&db, &update(2)).await);

    let output = look(&db, &[]);
    assert_eq!(
        pids(&output.json()),
        [blocker.pid.clone(), one.clone(), two.clone()],
        "{output}"
    );
    let lock = session(&output, &one).lock.unwrap();
    assert!(lock.starts_with("ShareLock on transaction "), "{output}");
    assert!(lock.ends_with(", for a row of public.sales"), "{output}");
    let lock = session(&output, &two).lock.unwrap();
    assert_eq!(lock, "ExclusiveLock on a row of public.sales", "{output}");
    blocker.release().await;
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_advisory_lock_is_named_by_its_key() {
    let db = Database::new().await;
    let holder = db.session().await;
    holder
        .batch_execute("SELECT pg_advisory_lock(-7), pg_advisory_lock(3, -4)")
        .await
        .unwrap();
    let pid = value(&holder, "SELECT pg_backend_pid()").await;
    let _one = db.queue("SELECT pg_advisory_lock(-7)").await;
    let _two = db.queue("SELECT pg_advisory_lock(3, -4)").await;
    let output = look(&db, &[]);
    let mut locks = output.json().sessions.into_iter().filter_map(|it| it.lock).collect::<Vec<_>>();
    locks.sort();
    let wanted = ["ExclusiveLock on advisory lock -7", "ExclusiveLock on advisory lock 3, -4"];
    assert_eq!(locks, wanted, "{output}");
    // Not in a transaction, and yet in the way.
    let above = session(&output, &pid);
    assert_eq!((above.state.as_deref(), above.blocks), (Some("idle"), 2), "{output}");
    assert!(above.idle_ms.is_some() && above.transaction_ms.is_none(), "{output}");
}

#[tokio::test]
async fn a_circle_has_an_end() {
    let db = with_sales().await;
    db.sql("CREATE TABLE users (id int)").await;
    let (one, two) = (db.session().await, db.session().await);
    for (session, table) in [(&one, "sales"), (&two, "users")] {
        let lock = format!("LOCK TABLE {table}");
        // PostgreSQL would end one of them.
        session.batch_execute("SET deadlock_timeout = '1h'; BEGIN").await.unwrap();
        session.batch_execute(&lock).await.unwrap();
    }
    let first = runs(&db, one, "LOCK TABLE users").await;
    let second = runs(&db, two, "LOCK TABLE sales").await;
    until("both wait", || async {
        look(&db, &[]).json().sessions.iter().filter(|it| it.in_circle).count() == 2
    })
    .await;

    let output = look(&db, &[]);
    let sessions = output.json().sessions;
    assert_eq!(sessions.len(), 2, "{output}");
    assert!(sessions.iter().all(|it| it.in_circle && it.blocks == 1), "{output}");
    let output = db.pgtend(&["activity"]).expect(0);
    assert_eq!(output.stdout.matches("in a circle").count(), 2, "{output}");
    db.sql(&format!("SELECT pg_terminate_backend({first}), pg_terminate_backend({second})"))
        .await;
}

#[tokio::test]
async fn an_idle_transaction_is_shown_when_it_is_old_enough() {
    let db = with_sales().await;
    let idle = db.hold("SELECT count(*) FROM sales").await;
    until_idle(&db, &idle.pid).await;
    look(&db, &["--min-duration", "1h"]).came_to("nothing_to_do");
    let output = look(&db, &["--min-duration", "50ms"]).came_to("done");
    let shown = session(&output, &idle.pid);
    assert_eq!(shown.state.as_deref(), Some("idle in transaction"), "{output}");
    assert!(shown.idle_ms >= Some(50) && shown.transaction_ms >= Some(50), "{output}");
    assert_eq!((shown.duration_ms, shown.blocks), (None, 0), "{output}");
    let output = db.pgtend(&["activity", "--min-duration", "50ms"]).expect(0);
    assert!(line(&output, &idle.pid).contains("idle in transaction"), "{output}");
    idle.release().await;
}

#[tokio::test]
async fn a_running_statement_is_shown_when_it_is_old_enough() {
    let db = with_sales().await;
    let statement = "SELECT pg_sleep(600),\n\t 'x'";
    let pid = runs(&db, db.session().await, statement).await;
    look(&db, &["--min-duration", "1h"]).came_to("nothing_to_do");
    let output = look(&db, &["--min-duration", "0s"]);
    let shown = session(&output, &pid);
    assert_eq!(shown.query.as_deref(), Some("SELECT pg_sleep(600), 'x'"), "{output}");
    assert!(shown.duration_ms.is_some() && shown.idle_ms.is_none(), "{output}");
    let output = db.pgtend(&["activity", "--min-duration", "0s"]).expect(0);
    let shown = line(&output, &pid);
    assert!(shown.ends_with("Timeout: PgSleep  SELECT pg_sleep(600), 'x'"), "{output}");
    db.sql(&format!("SELECT pg_terminate_backend({pid})")).await;
}

#[tokio::test]
async fn a_prepared_transaction_in_the_way_is_named() {
    let db = with_sales().await;
    let (bystander, culprit) = (format!("{}_reads", db.name), format!("{}_writes", db.name));
    // An index could be created beside the one, and not beside the other.
    for (gid, mode) in [(&bystander, "ROW SHARE"), (&culprit, "ROW EXCLUSIVE")] {
        db.sql(&format!("BEGIN; LOCK TABLE sales IN {mode} MODE; PREPARE TRANSACTION '{gid}'"))
            .await;
    }
    let create = "CREATE INDEX ON sales (amount)";
    let waiter = db.queue(create).await;
    let pid = pid_of(&db, create).await;

    let output = look(&db, &["--min-duration", "1h"]);
    let sessions = output.json().sessions;
    assert_eq!(sessions.len(), 2, "{output}");
    assert_eq!((sessions[0].pid, &sessions[0].gid), (0, &Some(culprit.clone())), "{output}");
    assert_eq!(sessions[0].state.as_deref(), Some("prepared"), "{output}");
    assert_eq!(sessions[0].blocks, 1, "{output}");
    assert_eq!(sessions[0].backend_type.as_deref(), Some("prepared transaction"), "{output}");
    let below = session(&output, &pid);
    assert_eq!(below.blocked_by, [0], "{output}");
    assert_eq!(below.blocked_by_gids, [culprit.as_str()], "{output}");
    let output = db.pgtend(&["activity", "--min-duration", "1h"]).expect(0);
    assert!(line(&output, &culprit).contains("prepared"), "{output}");
    line(&output, &format!("└ {pid}"));
    // Old ones are shown also where they are in nobody's way yet.
    let output = look(&db, &["--min-duration", "0s"]);
    let gids = output.json().sessions.into_iter().filter_map(|it| it.gid).collect::<Vec<_>>();
    assert_eq!(gids, [culprit.clone(), bystander.clone()], "{output}");

    for gid in [bystander, culprit] {
        db.sql(&format!("ROLLBACK PREPARED '{gid}'")).await;
    }
    waiter.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_role_that_may_not_see_everything_is_told_what_is_hidden() {
    let db = with_sales().await;
    let role = db.role("blind").await;
    let blocker = db.writer("sales").await;
    let alter = "ALTER TABLE sales ADD note text";
    let waiter = db.queue(alter).await;
    let pid = pid_of(&db, alter).await;
    let own = runs(&db, db.session_as(&role).await, "SELECT pg_sleep(600)").await;

    let call = ["activity", "--min-duration", "0s", "--format", "json"];
    let output = db.pgtend_as(&role, &call).expect(0).came_to("done");
    assert_eq!(output.warned("limited_view"), [db.name.as_str()], "{output}");
    let message = &output.json().warnings[0].message;
    // The test's own session, the one in the way, and the one that waits.
    assert!(message.contains("the statements of 3 sessions are hidden"), "{output}");
    let below = session(&output, &pid);
    assert_eq!((below.query, below.state), (None, None), "{output}");
    assert_eq!(below.lock.as_deref(), Some("AccessExclusiveLock on public.sales"), "{output}");
    assert_eq!(session(&output, &blocker.pid).blocks, 1, "{output}");
    let own_query = session(&output, &own).query;
    assert_eq!(own_query.as_deref(), Some("SELECT pg_sleep(600)"), "{output}");

    let output = db.pgtend_as(&role, &["activity"]).expect(0);
    assert!(line(&output, &format!("└ {pid}")).ends_with("(hidden)"), "{output}");
    assert!(output.stderr.contains("may not see what other roles do"), "{output}");
    // With the privilege nothing is missing.
    db.sql(&format!("GRANT pg_monitor TO {role}")).await;
    let output = db.pgtend_as(&role, &call).expect(0);
    assert_eq!(output.warned("limited_view"), [""; 0], "{output}");
    assert_eq!(session(&output, &pid).query.as_deref(), Some(alter), "{output}");
    db.sql(&format!("SELECT pg_terminate_backend({own})")).await;
    blocker.release().await;
    waiter.await.unwrap().unwrap();
}

#[tokio::test]
async fn nothing_of_others_reaches_the_terminal() {
    let db = Database::new().await;
    db.sql("CREATE TABLE \"\u{1b}[2J\u{9b}31m\" (id int)").await;
    let lock = "LOCK TABLE \"\u{1b}[2J\u{9b}31m\" -- \u{1b}]0;title\u{7} \u{202e}\nIN SHARE MODE";
    let holder = db.hold(lock).await;
    let statement = format!("BEGIN; {}", lock.replace("SHARE", "EXCLUSIVE"));
    let waiter = db.queue(&statement).await;

    for call in [&["activity"][..], &["activity", "-v"], &["activity", "--format", "json"]] {
        let output = db.pgtend(call).expect(0);
        let wild = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!output.stdout.contains(wild), "{output}");
    }
    let output = db.pgtend(&["activity"]).expect(0);
    assert!(output.stdout.contains("public.\"\\u{1b}[2J\\u{9b}31m\""), "{output}");
    assert!(output.stdout.contains("-- … IN EXCLUSIVE"), "{output}");
    // A program gets what was sent, but on one line, and without comments, which may hold secrets.
    let queries = look(&db, &[]).json().sessions.into_iter().filter_map(|it| it.query);
    let one_line = "BEGIN; LOCK TABLE \"\u{1b}[2J\u{9b}31m\" -- … IN EXCLUSIVE MODE".to_owned();
    assert!(queries.collect::<Vec<_>>().contains(&one_line));
    holder.release().await;
    waiter.await.unwrap().unwrap();
}

#[tokio::test]
async fn statements_are_cut_or_kept_secret() {
    let db = with_sales().await;
    let long = format!("SELECT pg_sleep(600), '{}', 'end'", "x".repeat(300));
    let pid = runs(&db, db.session().await, &long).await;
    let call = |more: &[&str]| {
        db.pgtend(&[&["activity", "--min-duration", "0s"], more].concat()).expect(0)
    };
    let output = call(&[]);
    let (_, shown) = line(&output, &pid).split_once("SELECT").unwrap();
    assert_eq!("SELECT".len() + shown.chars().count(), 200, "{output}");
    assert!(shown.ends_with("xxx…"), "{output}");
    assert!(call(&["-v"]).stdout.contains(&long));
    assert!(call(&["--format", "json"]).stdout.contains(&long));
    for format in ["table", "json"] {
        let output = call(&["--format", format, "--no-query-text"]);
        assert!(output.stdout.contains(&pid) && !output.stdout.contains("SELECT"), "{output}");
    }
    let output = call(&["--format", "json", "--no-query-text"]);
    assert_eq!(session(&output, &pid).query, None);
    db.sql(&format!("SELECT pg_terminate_backend({pid})")).await;
}

#[tokio::test]
async fn other_databases_are_shown_where_they_matter() {
    let (here, there) = (with_sales().await, with_sales().await);
    let elsewhere = there.hold("SELECT count(*) FROM sales").await;
    until_idle(&there, &elsewhere.pid).await;
    let call = ["--min-duration", "50ms"];
    look(&here, &call).came_to("nothing_to_do");
    let output = look(&here, &["--min-duration", "50ms", "--all-databases"]);
    let shown = session(&output, &elsewhere.pid);
    assert_eq!(shown.database.as_deref(), Some(there.name.as_str()), "{output}");
    // Comments on databases are everybody's.
    let comment = |text| format!("COMMENT ON DATABASE {} IS '{text}'", here.name);
    elsewhere.release().await;
    let elsewhere = there.hold(&comment("there")).await;
    let waiter = here.queue(&comment("here")).await;
    let pid = pid_of(&here, &comment("here")).await;
    let output = look(&here, &["--min-duration", "1h"]);
    assert_eq!(pids(&output.json()), [elsewhere.pid.clone(), pid], "{output}");
    let output = here.pgtend(&["activity"]).expect(0);
    assert!(output.stdout.contains("DATABASE"), "{output}");
    assert!(line(&output, &elsewhere.pid).contains(&there.name), "{output}");
    elsewhere.release().await;
    waiter.await.unwrap().unwrap();
}

#[tokio::test]
async fn one_role_can_be_picked_out() {
    let db = with_sales().await;
    let role = db.role("app").await;
    let pid = runs(&db, db.session_as(&role).await, "SELECT pg_sleep(600)").await;
    let other = runs(&db, db.session().await, "SELECT pg_sleep(601)").await;
    let output = look(&db, &["--min-duration", "0s", "--user", &role]);
    assert_eq!(pids(&output.json()), [pid.as_str()], "{output}");
    look(&db, &["--min-duration", "0s", "--user", "nobody"]).came_to("nothing_to_do");
    db.sql(&format!("SELECT pg_terminate_backend({pid}), pg_terminate_backend({other})"))
        .await;
}

#[tokio::test]
async fn a_statement_in_another_encoding_hides_no_other() {
    let db = Database::new().await;
    let latin = format!("{}_latin", db.name);
    db.sql(&format!(
        "CREATE DATABASE {latin} TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
    ))
    .await;
    let url = db.url_as("postgres").replace(&format!("dbname={}", db.name), "");
    let client = connect_to(&format!("{url} dbname={latin}")).await.unwrap();
    let pid = runs_elsewhere(&db, client, "SELECT 'é', pg_sleep(600)").await;
    let output = look(&db, &["--min-duration", "0s", "--all-databases"]);
    let query = session(&output, &pid).query;
    assert_eq!(query.as_deref(), Some("SELECT '\u{fffd}', pg_sleep(600)"), "{output}");
    db.sql(&format!("DROP DATABASE {latin} WITH (FORCE)")).await;
}

/// As [`runs`], where the statement cannot be read from here.
async fn runs_elsewhere(db: &Database, client: Client, statement: &str) -> String {
    let sent = statement.to_owned();
    let pid = value(&client, "SELECT pg_backend_pid()").await;
    tokio::spawn(async move { client.batch_execute(&sent).await });
    let event = format!("SELECT wait_event FROM pg_stat_activity WHERE pid = {pid}");
    until(statement, || async { db.value(&event).await == "PgSleep" }).await;
    pid
}

/// Waits until so many looks are in the log.
async fn until_looked(db: &Database, times: usize) {
    until("it looks again", || async {
        let looks = db.logged("pgtend/activity").into_iter();
        looks.filter(|statement| statement.contains("pg_prepared_xacts")).count() >= times
    })
    .await;
}

#[tokio::test]
async fn it_watches_until_it_is_interrupted() {
    let db = with_sales().await;
    let idle = db.hold("SELECT count(*) FROM sales").await;
    until_idle(&db, &idle.pid).await;
    let watch = ["activity", "--watch", "100ms", "--min-duration", "0s"];
    for (format, signal, code) in [("json", "INT", 130), ("table", "TERM", 143)] {
        let looks = db.logged("pgtend/activity").len();
        let running = db.start(&[&watch[..], &["--format", format]].concat());
        until_looked(&db, looks + 3).await;
        running.signal(signal);
        let output = running.wait().expect(code);
        let shown = output.stdout.lines().filter(|line| line.contains(&idle.pid)).count();
        assert!(shown >= 2, "{output}");
        if format == "json" {
            let documents = output.stdout.lines().map(serde_json::from_str::<Document>);
            let outcomes = documents.map(|document| document.unwrap().outcome);
            let outcomes = outcomes.collect::<Vec<_>>();
            assert_eq!(outcomes.first().map(String::as_str), Some("done"), "{output}");
            assert_eq!(outcomes.last().map(String::as_str), Some("cancelled"), "{output}");
        }
    }
    idle.release().await;
}

#[tokio::test]
async fn watching_survives_a_lost_connection_and_ends_when_nobody_reads() {
    let db = Database::new().await;
    let running = db.start(&["activity", "--watch", "100ms"]);
    // The first look may not fail; when there is a second one, it has not.
    until_looked(&db, 2).await;
    let ours = "application_name = 'pgtend/activity' AND datname = current_database()";
    db.sql(&format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}"))
        .await;
    until_looked(&db, 5).await;
    running.signal("INT");
    running.wait().expect(130);

    for format in ["table", "json"] {
        let call =
            ["activity", "--watch", "100ms", "--format", format, "-d", &db.url_as("postgres")];
        Pgtend::new(&call).run_unread().expect(0);
    }
}

#[tokio::test]
async fn a_pause_that_is_none_is_wrong_usage() {
    let output = Pgtend::new(&["activity", "--watch", "0s"]).run().expect(2);
    assert!(output.stderr.contains("at least 100ms"), "{output}");
}
