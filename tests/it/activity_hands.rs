//! `activity --cancel`, `--terminate` and `--cancel-blockers-of`.

use serde::Deserialize;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Error};

use crate::support::command::Pgtend;
use crate::support::{Database, Output, SALES, connect_to, until, value};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)]
struct Signal {
    action: String,
    object: String,
    status: String,
    reason: String,
    reason_code: String,
    sql: Option<String>,
    duration_ms: u64,
    lost: Vec<String>,
}

fn signals(output: &Output) -> Vec<Signal> {
    output.assert_published();
    output.json_with_steps::<Signal>().steps
}

fn codes(output: &Output) -> Vec<(String, String)> {
    signals(output).into_iter().map(|it| (it.status, it.reason_code)).collect()
}

fn code(status: &str, reason_code: &str) -> Vec<(String, String)> {
    vec![(status.to_owned(), reason_code.to_owned())]
}

fn call(db: &Database, arguments: &[&str]) -> Output {
    db.pgtend(&[&["activity", "--format", "json"], arguments].concat())
}

async fn with_sales() -> Database {
    let db = Database::new().await;
    db.sql(SALES).await;
    db
}

/// A session that runs a long statement, and what comes of it.
async fn sleeper(
    db: &Database,
    client: Client,
    first: &str,
) -> (String, JoinHandle<(Client, Result<(), Error>)>) {
    client.batch_execute(first).await.unwrap();
    let pid = value(&client, "SELECT pg_backend_pid()").await;
    let statement = tokio::spawn(async move {
        let result = client.batch_execute("SELECT pg_sleep(600)").await;
        (client, result)
    });
    until("it sleeps", || async {
        let state =
            "SELECT wait_event FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND pid = ";
        db.value(&format!("SELECT count(*) FROM ({state}{pid}) AS it")).await == "1"
    })
    .await;
    (pid, statement)
}

#[tokio::test]
async fn a_statement_is_cancelled_and_the_session_goes_on() {
    let db = with_sales().await;
    let (pid, statement) = sleeper(&db, db.session().await, "SELECT 1").await;
    let refused = db.pgtend(&["activity", "--cancel", &pid]).expect(2);
    assert!(refused.stderr.contains("then say --yes"), "{refused}");

    let output = call(&db, &["--cancel", &pid, "--yes"]).expect(0);
    let signals = signals(&output);
    assert_eq!(
        (signals[0].action.as_str(), signals[0].object.as_str()),
        ("cancel_statement", pid.as_str())
    );
    assert!(signals[0].lost[0].starts_with("the work of its statement, "), "{output}");
    let (client, result) = statement.await.unwrap();
    assert_eq!(result.unwrap_err().code().unwrap().code(), "57014");
    assert_eq!(value(&client, "SELECT 1").await, "1");

    let output = call(&db, &["--cancel", &pid, "--yes"]).expect(4);
    assert_eq!(codes(&output), code("skipped", "idle"));
    assert!(
        output.stdout.contains(&format!("--terminate {pid} ends the session")),
        "{output}"
    );
}

#[tokio::test]
async fn a_session_is_ended_with_what_it_has_written() {
    let db = with_sales().await;
    let client = db.session().await;
    client.batch_execute("BEGIN; DELETE FROM sales").await.unwrap();
    let pid = value(&client, "SELECT pg_backend_pid()").await;
    let output = call(&db, &["--terminate", &pid, "-y"]).expect(0);
    let signals = signals(&output);
    assert!(
        signals[0].lost[0].ends_with("with what it has written (public.sales)"),
        "{output}"
    );
    assert_eq!(
        db.value(&format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}"))
            .await,
        "0"
    );
    assert_ne!(db.value("SELECT count(*) FROM sales").await, "0");
    let output = call(&db, &["--terminate", &pid, "-y"]).expect(4);
    assert_eq!(codes(&output), code("skipped", "no-session"));
}

#[tokio::test]
async fn whoever_holds_a_session_up_is_cancelled_and_it_goes_on() {
    let db = with_sales().await;
    let (blocker, statement) =
        sleeper(&db, db.session().await, "BEGIN; LOCK TABLE sales IN ACCESS EXCLUSIVE MODE").await;
    let waiter = db.queue("ALTER TABLE sales ADD note text").await;
    let pid = "SELECT pid FROM pg_stat_activity WHERE query = 'ALTER TABLE sales ADD note text'";
    let pid = db.value(pid).await;
    let output = call(&db, &["--cancel-blockers-of", &pid, "--yes"]).expect(0);
    assert_eq!(signals(&output)[0].object, blocker, "{output}");
    let (client, result) = statement.await.unwrap();
    assert!(result.is_err());
    // Its transaction is aborted, and holds nothing any more.
    waiter.await.unwrap().unwrap();
    drop(client);

    let idle = db.writer("sales").await;
    let waiter = db.queue("ALTER TABLE sales ADD more text").await;
    let pid = "SELECT pid FROM pg_stat_activity WHERE query = 'ALTER TABLE sales ADD more text'";
    let pid = db.value(pid).await;
    let output = call(&db, &["--cancel-blockers-of", &pid, "--yes"]).expect(4);
    assert_eq!(codes(&output), code("skipped", "idle"), "{output}");
    idle.release().await;
    waiter.await.unwrap().unwrap();
    let free = db.session().await;
    let pid = value(&free, "SELECT pg_backend_pid()").await;
    call(&db, &["--cancel-blockers-of", &pid]).expect(0).came_to("nothing_to_do");
    assert_eq!(value(&free, "SELECT 1").await, "1");
}

#[tokio::test]
async fn pgtends_own_and_the_servers_take_a_word() {
    let db = with_sales().await;
    let url = format!("{} application_name=pgtend/apply", db.url_as("postgres"));
    let (pid, statement) = sleeper(&db, connect_to(&url).await.unwrap(), "SELECT 1").await;
    let output = call(&db, &["--cancel", &pid, "--yes"]).expect(4);
    assert_eq!(codes(&output), code("skipped", "pgtends-own"));
    let output = call(&db, &["--cancel", &pid, "--yes", "--force"]).expect(0);
    assert_eq!(codes(&output), code("done", "ended"));
    assert!(statement.await.unwrap().1.is_err());

    let checkpointer = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'";
    let pid = db.value(checkpointer).await;
    let output = call(&db, &["--terminate", &pid, "--yes", "--force"]).expect(4);
    assert_eq!(codes(&output), code("skipped", "servers-own"));
    assert_eq!(db.value(checkpointer).await, pid);
}

#[tokio::test]
async fn who_may_not_is_told_what_would_let_him() {
    let db = with_sales().await;
    let role = db.role("clerk").await;
    let (pid, statement) = sleeper(&db, db.session().await, "SELECT 1").await;
    let call = ["activity", "--format", "json", "--terminate", &pid, "--yes"];
    let output = db.pgtend_as(&role, &call).expect(4);
    assert_eq!(codes(&output), code("failed", "not-allowed"));
    assert!(output.stdout.contains("GRANT pg_signal_backend"), "{output}");
    assert!(!statement.is_finished());
    db.pgtend(&["activity", "--terminate", &pid, "--yes"]).expect(0);
    assert!(statement.await.unwrap().1.is_err());
}

#[tokio::test]
async fn on_a_terminal_it_says_what_is_lost_and_asks() {
    let db = with_sales().await;
    let (pid, statement) = sleeper(&db, db.session().await, "BEGIN; DELETE FROM sales").await;
    let ask = |answer: &str| {
        let line = format!(
            "printf '{answer}\\n' | script -qec 'pgtend activity --cancel {pid}' /dev/null"
        );
        Pgtend::in_shell(&line)
            .env("DATABASE_URL", &db.url_as("postgres"))
            .run()
            .expect(0)
    };
    let output = ask("n");
    assert!(output.stdout.contains("with what it has written (public.sales)"), "{output}");
    assert!(
        output.stdout.contains("Go on? [y/N]") && output.stdout.contains("left as it is"),
        "{output}"
    );
    assert!(!statement.is_finished());
    ask("y");
    assert!(statement.await.unwrap().1.is_err());
}
