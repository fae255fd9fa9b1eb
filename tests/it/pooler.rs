//! A pooler that shares its connections is recognised, and nothing is done through it.

use crate::support::command::Pgtend;
use crate::support::pooler::Pooler;
use crate::support::{Database, Output};

/// Fails unless the run was refused because of the pooler.
#[track_caller]
fn assert_recognised(output: Output, sqlstate: Option<&str>, why: &str) {
    let output = output.expect(3);
    let error = &output.json().error.unwrap();
    assert_eq!(error.kind, "unsupported", "{output}");
    assert_eq!(error.sqlstate.as_deref(), sqlstate, "{output}");
    assert!(error.message.contains("connection pooler"), "{output}");
    assert!(error.message.contains(why), "not {why:?}\n{output}");
    assert!(error.hint.as_deref().unwrap().contains("PostgreSQL directly"), "{output}");
}

async fn database() -> (Database, String) {
    let db = Database::new().await;
    db.sql("CREATE TABLE sales (id int)").await;
    let declared = db.declare("CREATE INDEX sales_id ON sales (id);");
    (db, declared)
}

fn call(command: &str, url: &str, declared: &str) -> Output {
    Pgtend::new(&[command, "--format", "json", "-d", url, declared]).run()
}

#[tokio::test]
async fn one_that_refuses_start_up_options() {
    let (db, declared) = database().await;
    let Some(pooler) = Pooler::start(db.server, "pool_mode = transaction").await else {
        return;
    };
    let url = pooler.url(&db.name);
    for command in ["plan", "apply"] {
        assert_recognised(call(command, &url, &declared), Some("08P01"), "refuses the settings");
    }
    assert_eq!(db.index("sales_id").await, None);
}

/// It would keep one process for each connection, so that is not what is wrong with it.
#[tokio::test]
async fn one_in_session_mode_that_refuses_start_up_options() {
    let (db, declared) = database().await;
    let Some(pooler) = Pooler::start(db.server, "pool_mode = session").await else {
        return;
    };
    let output = call("plan", &pooler.url(&db.name), &declared);
    assert_recognised(output, Some("08P01"), "refuses the settings");
}

#[tokio::test]
async fn one_in_transaction_mode_that_drops_start_up_options() {
    let (db, declared) = database().await;
    let settings = "pool_mode = transaction\nignore_startup_parameters = options";
    let Some(pooler) = Pooler::start(db.server, settings).await else {
        return;
    };
    let url = pooler.url(&db.name);
    for command in ["plan", "apply"] {
        assert_recognised(
            call(command, &url, &declared),
            None,
            "one server process per connection",
        );
    }
    assert_eq!(db.index("sales_id").await, None);
}

/// Each connection has a server process of its own, but the timeouts that pgtend turns off are on.
#[tokio::test]
async fn one_in_session_mode_that_drops_start_up_options() {
    let (db, declared) = database().await;
    let settings = "pool_mode = session\nignore_startup_parameters = options";
    let Some(pooler) = Pooler::start(db.server, settings).await else {
        return;
    };
    let url = pooler.url(&db.name);
    assert_recognised(call("apply", &url, &declared), None, "drops the settings");
    db.sql(&format!("ALTER DATABASE {} SET jit = off", db.name)).await;
    let Some(pooler) = Pooler::start(db.server, settings).await else {
        return;
    };
    assert_recognised(call("apply", &pooler.url(&db.name), &declared), None, "drops the settings");
    assert_eq!(db.index("sales_id").await, None);
}
