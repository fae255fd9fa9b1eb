//! `demo`: the tour, and that nothing remains of it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;
use tokio_postgres::NoTls;

use crate::support::command::{Output, Pgtend};
use crate::support::until;

/// A folder for temporary files that is this test's alone.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Under root the server runs as another account, which must get there.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        Place(folder)
    }

    fn demo(&self, more: &[&str]) -> Pgtend {
        Pgtend::new(&[&["demo"], more].concat()).env("TMPDIR", self.0.path().to_str().unwrap())
    }

    /// The throwaway servers' folders.
    fn homes(&self) -> Vec<PathBuf> {
        fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect()
    }

    /// The command lines of the processes that were started on something here. A demo itself has
    /// the folder in its environment only.
    fn processes(&self) -> Vec<String> {
        let name = self.0.path().file_name().unwrap().to_str().unwrap();
        command_lines().into_iter().filter(|line| line.contains(name)).collect()
    }

    #[track_caller]
    fn assert_clean(&self) {
        assert!(self.homes().is_empty(), "{:?}", self.homes());
        assert_eq!(self.processes(), [""; 0]);
    }

    async fn until_filling(&self) {
        until("the demo fills its database", || async {
            let Some(home) = self.homes().pop() else {
                return false;
            };
            let socket_dir = home.join("socket").display().to_string();
            let url = format!("host={socket_dir} user=postgres dbname=postgres");
            let Ok((client, connection)) = tokio_postgres::connect(&url, NoTls).await else {
                return false;
            };
            tokio::spawn(connection);
            let filling = "SELECT 1 FROM pg_stat_activity WHERE datname = 'nova' \
                           AND state = 'active' AND query LIKE '%nova.customers%'";
            client.query_opt(filling, &[]).await.is_ok_and(|row| row.is_some())
        })
        .await;
    }
}

/// Of every process of the machine.
fn command_lines() -> Vec<String> {
    if cfg!(target_os = "linux") {
        let files = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
        // A process may end meanwhile.
        let lines = files.filter_map(|process| fs::read(process.join("cmdline")).ok());
        return lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect();
    }
    let listed = Command::new("ps").args(["axww", "-o", "args"]).output().unwrap();
    String::from_utf8(listed.stdout).unwrap().lines().map(str::to_owned).collect()
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
