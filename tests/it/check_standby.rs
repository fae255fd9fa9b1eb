//! `pgtend check` and `advise` on a standby and with one.

use pg_sandbox::Sandbox;
use tokio_postgres::Client;

use crate::check::is_found;
use crate::check_roles::assert_none_is_hidden;
use crate::support::document::Document;
use crate::support::server;
use crate::support::standby::{connected, primary, standby_with, words};
use crate::support::{Pgtend, until, value};

/// A server, and a standby that lets no query hold replay up.
struct Pair {
    primary: Sandbox,
    standby: Sandbox,
    writer: Client,
    reader: Client,
}

impl Pair {
    async fn new() -> Pair {
        let mut primary = primary();
        let mut options = server::options();
        options
            .settings
            .push(("max_standby_streaming_delay".to_owned(), "0".to_owned()));
        let standby = standby_with(&mut primary, "paris", &options);
        let (writer, reader) = (connected(&primary).await, connected(&standby).await);
        let pair = Pair { primary, standby, writer, reader };
        pair.sql(
            "CREATE TABLE sales (id int PRIMARY KEY, day date);
             CREATE INDEX sales_day ON sales (day) WITH (deduplicate_items = off);
             INSERT INTO sales SELECT n, date '2026-01-01' + n % 100 FROM generate_series(1, 100000) n;
             ANALYZE sales;
             CREATE ROLE nobody LOGIN; CREATE ROLE monitor LOGIN IN ROLE pg_monitor;
             CREATE ROLE reader LOGIN IN ROLE pg_monitor, pg_read_all_data;
             UPDATE pg_class SET relpages = 2000 WHERE relname = 'sales_day'",
        )
        .await;
        pair
    }

    /// The standby has it, too.
    async fn sql(&self, sql: &str) {
        self.writer.batch_execute(sql).await.unwrap();
        let lsn = value(&self.writer, "SELECT pg_current_wal_lsn()").await;
        let replayed = format!("SELECT pg_last_wal_replay_lsn() >= '{lsn}'");
        until("the standby has replayed it", async || {
            value(&self.reader, &replayed).await == "t"
        })
        .await;
    }

    fn stop(self) {
        self.standby.stop().unwrap();
        self.primary.stop().unwrap();
    }
}

fn checked(on: &Sandbox, more: &[&str]) -> Document {
    let url = words(on);
    let call = [&["check", "--format", "json", "-d", &url], more].concat();
    let output = Pgtend::new(&call).run();
    output.assert_published();
    let document: Document = output.json();
    assert!(document.error.is_none(), "{output}");
    for check in &document.checks {
        let reason = check.reason.as_deref().unwrap_or_default();
        assert!(!reason.contains("recovery"), "{}: {reason}", check.name);
    }
    document
}

/// No role passes what the superuser finds on this server.
fn no_role_passes(on: &Sandbox, rule: &str) {
    let checks = |role: &str| {
        let url = words(on).replace("user=postgres", &format!("user={role}"));
        Pgtend::new(&["check", "--only", rule, "--format", "json", "-d", &url])
            .run()
            .json()
            .checks
    };
    let all = checks("postgres");
    assert!(all.iter().any(|check| check.verdict == "failed"), "{rule} is found no more");
    for role in ["nobody", "monitor", "reader"] {
        assert_none_is_hidden(&all, &checks(role), role);
    }
}

fn verdict(document: &Document, rule: &str) -> String {
    let check = document.checks.iter().find(|check| check.name == rule).unwrap();
    check.verdict.clone()
}

const USED: &str = "SET enable_seqscan = off; SELECT count(*) FROM sales WHERE day = '2026-01-05'";

#[tokio::test]
async fn a_standby_is_looked_at_like_any_server() {
    let pair = Pair::new().await;
    let document = checked(&pair.standby, &["security", "indexes", "vacuum", "replication"]);
    assert!(document.glance.is_some_and(|glance| glance["in_recovery"] == true));
    let here = checked(&pair.standby, &[]);
    let unknown = here.checks.iter().filter(|check| check.verdict == "unknown");
    let unknown = unknown.map(|check| check.name.as_str()).collect::<Vec<_>>();
    assert_eq!(unknown, ["unused-index"], "its counters are young, and nothing else is hidden");
    let there = checked(&pair.primary, &[]);
    assert_eq!(verdict(&there, "hot-standby-conflicts"), "skipped");
    assert_eq!(verdict(&here, "hot-standby-conflicts"), "passed");
    pair.stop();
}

#[tokio::test]
async fn what_only_the_standby_uses_is_used() {
    let pair = Pair::new().await;
    assert_eq!(verdict(&checked(&pair.primary, &[]), "unused-index"), "unknown");
    let also = words(&pair.standby);
    let advise = || {
        let url = words(&pair.primary);
        let sql = "SELECT * FROM sales WHERE id = 3";
        let call = ["advise", "--sql", sql, "--also", &also, "--format", "json", "-d", &url];
        let output = Pgtend::new(&call).run().expect(0);
        output.assert_published();
        let unneeded = output.json().unneeded;
        let index = unneeded.iter().find(|it| it["object"] == "public.sales_day").unwrap();
        index["scans"].as_i64()
    };
    assert_eq!(advise(), Some(0));
    connected(&pair.standby).await.batch_execute(USED).await.unwrap();
    until("the scan is counted", async || {
        verdict(&checked(&pair.primary, &["--also", &also]), "unused-index") == "passed"
    })
    .await;
    assert_eq!(advise(), Some(1));
    pair.stop();
}

#[tokio::test]
async fn a_query_that_replay_has_cancelled_is_told_of() {
    let pair = Pair::new().await;
    let report = connected(&pair.standby).await;
    let read = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM sales";
    report.batch_execute(read).await.unwrap();
    pair.sql("DELETE FROM sales WHERE id % 2 = 0").await;
    pair.sql("VACUUM sales").await;
    until("it is cancelled", async || report.batch_execute("SELECT 1").await.is_err()).await;
    until("the conflict is counted", async || {
        let found = checked(&pair.standby, &["replication"]).findings;
        is_found(&found, "hot-standby-conflicts", "this standby")
    })
    .await;
    no_role_passes(&pair.standby, "hot-standby-conflicts");
    pair.stop();
}

#[tokio::test]
async fn a_standby_that_falls_behind_is_found_on_both_sides() {
    let pair = Pair::new().await;
    pair.reader.batch_execute("SELECT pg_wal_replay_pause()").await.unwrap();
    // Each file counts as a whole.
    let much = "DO $$
        DECLARE start pg_lsn := pg_current_wal_lsn();
        BEGIN
          WHILE pg_current_wal_lsn() - start < 300000000 LOOP
            PERFORM pg_logical_emit_message(false, 'a', 'b'), pg_switch_wal();
          END LOOP;
        END $$";
    pair.writer.batch_execute(much).await.unwrap();
    let is_behind = |on: &Sandbox, object: &str| {
        is_found(&checked(on, &["replication"]).findings, "standby-lag", object)
    };
    until("both say so", async || {
        is_behind(&pair.standby, "this standby") && is_behind(&pair.primary, "standby paris")
    })
    .await;
    for on in [&pair.standby, &pair.primary] {
        no_role_passes(on, "standby-lag");
    }
    pair.reader.batch_execute("SELECT pg_wal_replay_resume()").await.unwrap();
    until("it has caught up", async || !is_behind(&pair.standby, "this standby")).await;
    pair.stop();
}
