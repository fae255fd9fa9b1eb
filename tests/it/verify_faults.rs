//! `verify` when something breaks: servers that die, folders that are not what they seem, signals.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::command::{Output, Pgtend};
use crate::support::folder::{Folder, reason};
use crate::support::installation::Installation;
use crate::support::server::binaries;
use crate::support::server::start;
use crate::support::{PATIENCE, connect_to, until};
use crate::verify::TABLE;

/// Where throwaway servers are made, to see what they leave.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Place(tempfile::tempdir().unwrap());
        // The server's account has to get in where the tests run as root.
        fs::set_permissions(place.0.path(), Permissions::from_mode(0o755)).unwrap();
        place
    }

    fn call(&self, folder: &Folder, more: &[&str]) -> Pgtend {
        let options = ["--layout", "sqlx", "--format", "json", "--echo"];
        let call = folder.call(&[&options, more].concat());
        call.env("TMPDIR", self.0.path().to_str().unwrap())
    }

    /// Fails unless every file and every process of the servers is gone, or goes.
    async fn must_become_empty(&self) {
        assert_eq!(fs::read_dir(self.0.path()).unwrap().count(), 0);
        until("the server's processes end", || async { processes_in(self.0.path()) == 0 }).await;
    }
}

/// Processes that work in the folder, as all of a server do; where the system tells.
fn processes_in(folder: &Path) -> usize {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let folders = entries.filter_map(|entry| fs::read_link(entry.path().join("cwd")).ok());
    folders.filter(|cwd| cwd.starts_with(folder)).count()
}

/// A migration whose second statement sends a signal, and then waits for what comes of it.
fn killing(signal: &str, whom: &str) -> String {
    format!(
        "CREATE TABLE t (a text);\nCOPY t FROM PROGRAM 'kill -{signal} {whom}'; SELECT pg_sleep(1000);\n"
    )
}

#[tokio::test]
async fn a_server_that_dies_half_way_is_told_and_leaves_nothing() {
    let postmaster = "`head -n 1 postmaster.pid`";
    for (signal, whom) in [("QUIT", postmaster), ("KILL", postmaster), ("KILL", "$PPID")] {
        let folder = Folder::new(&[("1_m.sql", TABLE), ("2_m.sql", &killing(signal, whom))]);
        let place = Place::new();
        let output = place.call(&folder, &[]).run().expect(4).came_to("failed");
        let error = output.json().error.unwrap();
        assert_eq!(error.kind, "server_lost", "{output}");
        let wanted = format!("the server was lost half-way: {}:2: ", folder.path("2_m.sql"));
        assert!(error.message.starts_with(&wanted), "{output}");
        assert!(error.hint.unwrap().starts_with("the server's last words: ("), "{output}");
        place.must_become_empty().await;
    }
}

/// An administrator's shutdown refuses the statement in words that could be the migration's fault.
#[tokio::test]
async fn a_given_server_that_is_shut_down_is_no_finding() {
    let server = start(&[]);
    let url =
        format!("host={} port={} user=postgres dbname=postgres", server.socket_dir, server.port);
    let folder = Folder::new(&[("1_m.sql", &killing("INT", "`head -n 1 postmaster.pid`"))]);
    let output = folder.verify(&["-d", &url]).expect(4);
    let error = output.json().error.unwrap();
    assert_eq!(error.kind, "server_lost", "{output}");
    assert!(error.message.contains("1_m.sql:2: "), "{output}");
    assert!(
        output.stderr.contains("the scratch database stays; drop it with DROP DATABASE"),
        "{output}"
    );
}

#[tokio::test]
async fn a_signal_removes_the_throwaway_server() {
    let folder = Folder::new(&[("1_m.sql", "SELECT pg_sleep(1000);")]);
    for (said, signal, code) in
        [("SELECT pg_sleep(1000);", "INT", 130), ("Starting a throwaway", "TERM", 143)]
    {
        let place = Place::new();
        let mut running = place.call(&folder, &[]).start();
        running.until_it_says(said).await;
        running.signal(signal);
        assert_eq!(running.wait().expect(code).json().outcome, "cancelled");
        place.must_become_empty().await;
    }
}

#[tokio::test]
async fn a_signal_ends_several_servers_too() {
    let folder = Folder::new(&[("1_m.sql", TABLE)]);
    let (place, first) = (Place::new(), binaries().dir.display().to_string());
    let other = Installation::of_another_major("work_mem=5MB");
    let both = ["--pg-bin", &first, "--pg-bin", &other.path()];
    let mut running = place.call(&folder, &both).start();
    running
        .until_it_says(&format!("Starting a throwaway PostgreSQL {}.99", other.major))
        .await;
    running.signal("INT");
    assert_eq!(running.wait().expect(130).json().outcome, "cancelled");
    place.must_become_empty().await;
}

#[tokio::test]
async fn a_second_signal_says_what_is_left() {
    let server = start(&[]);
    let (host, port) = (&server.socket_dir, server.port);
    let url = |database: &str| format!("host={host} port={port} user=postgres dbname={database}");
    let folder = Folder::new(&[("1_m.sql", "SELECT pg_sleep(1000);")]);
    let mut running = folder.call(&["--layout", "sqlx", "--echo", "-d", &url("postgres")]).start();
    running.until_it_says("SELECT pg_sleep(1000);").await;
    let session = connect_to(&url("postgres")).await.unwrap();
    let sql = "SELECT datname FROM pg_database WHERE datname LIKE 'pgtend_verify_%'";
    let name: String = session.query_one(sql, &[]).await.unwrap().get(0);
    // Who comments on a database keeps it from being dropped until the transaction ends.
    session
        .batch_execute(&format!("BEGIN; COMMENT ON DATABASE {name} IS 'mine'"))
        .await
        .unwrap();
    running.signal("INT");
    running.until_it_says("DROP DATABASE").await;
    running.signal("INT");
    let output = running.wait().expect(130);
    let wanted = format!("not cleaned up; drop the database: DROP DATABASE {name} WITH (FORCE);");
    assert!(output.stderr.contains(&wanted), "{output}");
}

#[test]
fn a_thousand_files_are_applied() {
    let folder = Folder::new(&[]);
    for number in 1..=1000 {
        let sql = format!("CREATE TABLE t{number} (a bigint PRIMARY KEY, b text NOT NULL);\n");
        fs::write(folder.path(&format!("{number}_m.sql")), sql).unwrap();
    }
    let output = folder.call(&["--layout", "sqlx", "--format", "json"]).start();
    let output = output.wait_within(PATIENCE).expect(0);
    assert_eq!(reason(&output, "apply"), "1,000 of 1,000 migrations applied");
}

#[test]
fn what_is_no_folder_of_migrations_is_named() {
    let refused = |folder: &Folder, wanted: &str| {
        let output: Output = folder.verify(&[]).expect(2).came_to("failed");
        let error = output.json().error.unwrap();
        assert!(error.message.contains(wanted), "{output}");
    };
    let latin = Folder::new(&[("1_m.sql", TABLE)]);
    fs::write(latin.path("2_m.sql"), b"SELECT 1;\nSELECT 'gr\xfc\xdfe';\n").unwrap();
    refused(&latin, &format!("{}:2: the file is not UTF-8", latin.path("2_m.sql")));
    refused(&Folder::new(&[]), "holds no *.sql file");
    refused(&Folder::new(&[("readme.md", "")]), "holds no *.sql file");

    let closed = Folder::new(&[("1_m.sql", TABLE)]);
    fs::set_permissions(closed.path(""), Permissions::from_mode(0o000)).unwrap();
    let is_root = fs::read_dir(closed.path("")).is_ok();
    if !is_root {
        refused(&closed, "cannot read");
    }
    fs::set_permissions(closed.path(""), Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_directory_named_like_a_file_is_no_migration() {
    let folder = Folder::new(&[("1_m.sql", TABLE)]);
    fs::create_dir(folder.path("2_m.sql")).unwrap();
    fs::write(folder.path("2_m.sql/notes.txt"), "not SQL").unwrap();
    for layout in ["sqlx", "plain"] {
        let output = folder.verify_as(&["--layout", layout]).expect(0);
        assert_eq!(reason(&output, "apply"), "1 of 1 migration applied", "{output}");
    }
}
