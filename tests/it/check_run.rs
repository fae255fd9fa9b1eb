//! What `pgtend check` does where something is lost or down.

use crate::support::{Database, Output, PAUSE, Pgtend, until};

/// Ends the session of a check that waits for a lock. Returns what the check came to.
async fn ended_in_the_middle(db: &Database, format: &str) -> Output {
    let mut running = db.start(&["check", "--format", format]);
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
               WHERE application_name = 'pgtend/check' AND datname = current_database() \
                 AND wait_event_type = 'Lock'";
    while running.goes_on() && db.value(end).await == "0" {
        tokio::time::sleep(PAUSE).await;
    }
    running.wait()
}

#[tokio::test]
async fn a_connection_that_is_lost_in_the_middle_is_no_half_report() {
    let db = Database::new().await;
    let blocker = db.hold("LOCK TABLE pg_publication_rel IN ACCESS EXCLUSIVE MODE").await;
    for format in ["table", "json", "html"] {
        // It waits for a tenth of a second only.
        until("a check is ended while it waits", || async {
            let output = ended_in_the_middle(&db, format).await;
            if output.code != 3 {
                return false;
            }
            assert!(
                !output.stdout.contains("checks") && !output.stdout.contains("xid"),
                "{output}"
            );
            assert!(output.stderr.contains("error:"), "{output}");
            true
        })
        .await;
    }
    blocker.release().await;
}

#[tokio::test]
async fn a_target_that_is_down_hides_no_other() {
    let db = Database::new().await;
    db.sql("CREATE TABLE t (id int PRIMARY KEY); CREATE INDEX t_twin ON t (id)")
        .await;
    let targets = format!(
        "[targets.up]\nurl = \"{}\"\n[targets.down]\nurl = \"host=/nowhere dbname=a\"\n",
        db.url_as("postgres")
    );
    let config = db.declare_as("pgtend.toml", &targets);
    let check = |more: &[&str]| {
        let call = ["check", "indexes", "--config", &config, "--all-targets"];
        Pgtend::new(&[&call[..], more].concat()).run().expect(3)
    };
    let output = check(&["--brief", "-q"]);
    assert!(
        output.stdout.contains(&format!("{}: 1 note; public.t_twin", db.name)),
        "{output}"
    );
    assert!(output.stderr.contains("down: failed"), "{output}");
    let output = check(&["--format", "json"]);
    output.assert_published();
    assert!(
        output.stdout.contains("duplicate-index") && output.stdout.contains("/nowhere"),
        "{output}"
    );
    let refused =
        Pgtend::new(&["check", "--config", &config, "--all-targets", "--report", "html=a.html"]);
    let refused = refused.run().expect(2);
    assert!(refused.stderr.contains("--report html goes with one target only"), "{refused}");
}
