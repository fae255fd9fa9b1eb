//! `demo`: the tour, and that nothing remains of it.

use std::process::Command;

use crate::support::command::{Output, Pgtend};
use crate::support::place::Place;
use crate::support::until;

impl Place {
    fn demo(&self, more: &[&str]) -> Pgtend {
        self.call(&[&["demo"], more].concat())
    }

    async fn until_filling(&self) {
        until("the demo fills its database", || async {
            let Some(client) = self.session("postgres").await else {
                return false;
            };
            let filling = "SELECT 1 FROM pg_stat_activity WHERE datname = 'nova' \
                           AND state = 'active' AND query LIKE '%nova.customers%'";
            client.query_opt(filling, &[]).await.is_ok_and(|row| row.is_some())
        })
        .await;
    }
}

/// What stands in single quotes after `psql`, and the line after `Stop and remove it with`.
fn url_and_stop_command(output: &Output) -> (String, String) {
    let url = output
        .stderr
        .split_once("psql '")
        .unwrap_or_else(|| panic!("no URL\n{output}"))
        .1;
    let url = url.split_once('\'').unwrap().0;
    let stop = output.stderr.split_once("Stop and remove it with\n").unwrap().1;
    (url.to_owned(), stop.lines().next().unwrap().trim().to_owned())
}

#[test]
fn the_tour_advises_times_nine_queries_builds_everything_and_leaves_nothing() {
    let place = Place::new();
    let output = place.demo(&["--scale", "2000", "--format", "json"]).run().expect(0);
    let document = output.json();
    assert_eq!(document.outcome, "done", "{output}");
    assert_eq!(document.database.as_deref(), Some("nova"), "{output}");
    let queries = &document.queries;
    assert_eq!(queries.len(), 9, "{output}");
    for query in queries {
        assert!(query.before_ms > 0.0 && query.after_ms > 0.0, "{query:?}");
        let times = query.before_ms / query.after_ms;
        assert!((query.times_faster / times - 1.0).abs() < 0.01, "{query:?}");
        assert!(!query.query.is_empty(), "{query:?}");
    }
    // What is advised is measured, and most of it is what the document declares.
    assert!(document.advice.len() >= 4, "{output}");
    assert_eq!(document.proofs.len(), document.advice.len(), "{output}");
    let better = document.proofs.iter().filter(|proof| proof["verdict"] == "better");
    assert!(better.count() >= 3, "{output}");
    let steps = &document.steps;
    let indexes = steps.iter().filter(|step| step.action == "build_index");
    let done = indexes.filter(|step| step.status == "done");
    // The document's 25 and the view's own.
    assert_eq!(done.count(), 26, "{output}");
    assert!(steps.iter().all(|step| step.status != "failed"), "{output}");
    place.assert_clean();
}

#[test]
fn a_kept_server_can_be_reached_and_stopped_as_it_was_said() {
    let place = Place::new();
    let output = place.demo(&["--scale", "100", "--keep"]).run().expect(0);
    let (url, stop) = url_and_stop_command(&output);
    assert!(!place.processes().is_empty(), "{output}");
    let declared = concat!(env!("CARGO_MANIFEST_DIR"), "/sql/nova-crm/declared");
    let check = ["plan", "--check", "--format", "json", "-d", &url, "--table", "sales", declared];
    let checked = Pgtend::new(&check).run().expect(0);
    assert_eq!(checked.json().outcome, "nothing_to_do", "{checked}");
    assert_eq!(checked.json().database.as_deref(), Some("nova"), "{checked}");

    let stopped = Command::new("sh").args(["-c", &stop]).status().unwrap();
    assert!(stopped.success(), "{stop}");
    place.assert_clean();
}

#[tokio::test]
async fn ctrl_c_while_filling_leaves_nothing() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let place = Place::new();
        let running = place.demo(&["--scale", "500000", "--format", "json"]).start();
        place.until_filling().await;
        assert!(!place.processes().is_empty());
        running.signal(signal);
        let output = running.wait().expect(code);
        assert_eq!(output.json().outcome, "cancelled", "{output}");
        place.assert_clean();
    }
}

#[test]
fn a_folder_without_server_programs_is_named() {
    let place = Place::new();
    let nothing = tempfile::tempdir().unwrap();
    let nothing = nothing.path().to_str().unwrap();
    let call = place.demo(&["--format", "json", "--pg-bin", nothing]);
    let output = call.run().expect(3);
    let error = &output.json().error.unwrap();
    assert_eq!(error.kind, "sandbox", "{output}");
    assert!(error.message.contains(nothing), "{output}");
    assert!(!error.hint.as_deref().unwrap_or_default().is_empty(), "{output}");
    place.assert_clean();
}
