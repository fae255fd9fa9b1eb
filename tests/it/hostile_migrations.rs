//! Migrations run as the superuser of a throwaway server, so they run programs. What these see, whom
//! they are, and that they are gone afterwards.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::support::command::Pgtend;
use crate::support::folder::Folder;
use crate::support::until;

/// Where everybody can write, with the program in it for accounts that cannot enter the build's folder.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Place(tempfile::tempdir().unwrap());
        fs::set_permissions(place.0.path(), Permissions::from_mode(0o777)).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What a program of the migration's has written.
    fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.path("said")).unwrap()).into_owned()
    }

    /// A migration that runs the script, whose output can be read afterwards.
    fn migration(&self, script: &str) -> Folder {
        let said = self.path("said");
        let script = format!("exec 2>/dev/null > {}; {script}", said.display());
        let folder = Folder::new(&[("1_m.sql", &in_program(&script))]);
        fs::set_permissions(folder.path(""), Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(folder.path("1_m.sql"), Permissions::from_mode(0o644)).unwrap();
        folder
    }

    fn verify(&self, folder: &Folder) -> Pgtend {
        let call = folder.call(&["--layout", "sqlx", "--format", "json"]);
        call.env("TMPDIR", self.0.path().to_str().unwrap())
    }
}

fn in_program(script: &str) -> String {
    let script = script.replace('\'', "''");
    format!("COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; {script}';\n")
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|us| us.uid() == 0)
}

/// Processes whose command line holds the text, themselves apart.
fn running(text: &str) -> usize {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines
        .filter(|line| String::from_utf8_lossy(line).replace('\0', " ").starts_with(text))
        .count()
}

/// A duration that no other test sleeps for, so that its processes can be told.
fn sleep(number: u32) -> String {
    format!("sleep {}.{number}", std::process::id())
}

#[cfg(target_os = "linux")]
#[test]
fn programs_see_nothing_of_the_caller() {
    let place = Place::new();
    let secret = place.path("secret-file");
    fs::write(&secret, "sesame").unwrap();
    let folder = place.migration(
        "env; ls -l /proc/self/fd; cat /proc/[0-9]*/environ | tr \"\\0\" \"\\n\"; cat <&7; echo end",
    );
    // A shell hands its open file and a terminal's worth of variables on to pgtend.
    let script = "exec 7<\"$0\"; exec \"$@\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(&secret).arg(env!("CARGO_BIN_EXE_pgtend"));
    shell.args(["verify", &folder.path(""), "--layout", "sqlx", "--format", "json"]);
    shell.stdin(Stdio::null()).env("TMPDIR", place.0.path());
    for name in ["DATABASE_URL", "PGPASSWORD", "PGUSER", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN"] {
        shell.env(name, "sesame");
    }
    let Output { status, stdout, stderr } = shell.output().unwrap();
    let output = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
    assert_eq!(status.code(), Some(0), "{output}");
    let said = place.said();
    assert!(said.contains("LC_ALL=C") || said.contains("LC_MESSAGES=C"), "{said}");
    assert!(said.ends_with("end\n"), "{said}");
    assert!(!said.contains("sesame") && !said.contains("secret-file"), "{said}");
    let home = said.lines().find_map(|line| line.strip_prefix("HOME=")).unwrap();
    assert!(home.starts_with(place.0.path().to_str().unwrap()), "{said}");
    assert!(said.lines().any(|line| line == format!("TMPDIR={home}")), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn under_root_each_server_has_a_user_of_its_own() {
    if !is_root() {
        return;
    }
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let user = || {
        let place = Place::new();
        let folder = place.migration("id -u; id -G; cat /proc/self/limits");
        place.verify(&folder).run().expect(0);
        let said = place.said();
        let mut lines = said.lines();
        let (uid, groups) = (lines.next().unwrap().to_owned(), lines.next().unwrap().to_owned());
        assert_eq!(uid, groups, "it is in no other group");
        assert!(!passwd.contains(&format!(":{uid}:")), "{uid} is an account");
        assert!(lines.any(|line| line.starts_with("Max core file size        0 ")), "{said}");
        uid
    };
    assert_ne!(user(), user());
}

/// The script leaves processes that have left their session, their parent and their environment.
fn daemons(number: u32) -> String {
    let sleep = sleep(number);
    format!(
        "(setsid env -i {sleep} </dev/null >/dev/null 2>&1 &); \
         (setsid sh -c \"(setsid env -i {sleep} &)\" </dev/null >/dev/null 2>&1 &); \
         trap \"\" TERM HUP INT; (exec {sleep} </dev/null >/dev/null 2>&1 &); \
         while [ `pgrep -c -f \"^{sleep}\"` -lt 3 ]; do sleep 0.1; done; echo started"
    )
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_migration_has_started_is_gone_afterwards() {
    let place = Place::new();
    let folder = place.migration(&daemons(1));
    place.verify(&folder).run().expect(0);
    assert_eq!(place.said(), "started\n");
    assert_eq!(running(&sleep(1)), 0);
}

/// The same where pgtend has no user to give away.
#[cfg(target_os = "linux")]
#[test]
fn it_is_gone_without_root_too_and_the_callers_environment_is_closed() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    let program = place.path("pgtend");
    fs::copy(env!("CARGO_BIN_EXE_pgtend"), &program).unwrap();
    let script = format!("cat /proc/$PPID/environ; cat /proc/[0-9]*/environ; {}", daemons(2));
    let folder = place.migration(&script);
    let mut call = Command::new(&program);
    call.args(["verify", &folder.path(""), "--layout", "sqlx", "--format", "json"]);
    call.uid(65534).gid(65534).current_dir("/").stdin(Stdio::null());
    call.env_clear().env("TMPDIR", place.0.path()).env("HOME", "/nonexistent");
    call.env("DATABASE_URL", "sesame");
    for kept in ["PATH", "PGTEND_PG_BIN"] {
        call.envs(std::env::var_os(kept).map(|value| (kept, value)));
    }
    let Output { status, stdout, stderr } = call.output().unwrap();
    let output = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
    assert_eq!(status.code(), Some(0), "{output}");
    let said = place.said();
    assert!(said.ends_with("started\n"), "{said}");
    assert!(said.contains("PGTEND_SANDBOX="), "it read its own\n{said}");
    assert!(!said.contains("sesame"), "{said}");
    assert_eq!(running(&sleep(2)), 0);
    assert_eq!(servers_in(place.0.path()), 0);
}

fn servers_in(place: &Path) -> usize {
    let names = fs::read_dir(place).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().starts_with("pgtend-")).count()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_outlives_a_killed_run_is_ended_by_the_next() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    let folder = place.migration(&format!("{}; sleep 1000", daemons(3)));
    let killed = place.verify(&folder).start();
    until("the migration is under way", || async { running(&sleep(3)) == 3 }).await;
    killed.signal("KILL");
    killed.wait();
    assert!(running(&sleep(3)) > 0);
    assert_eq!(servers_in(place.0.path()), 1);
    let escape_control = Folder::new(&[("1_m.sql", "SELECT 1;")]);
    place.verify(&escape_control).run().expect(0);
    assert_eq!(running(&sleep(3)), 0);
    assert_eq!(servers_in(place.0.path()), 0);
}

/// Deeper than there are file descriptors, and closed to the server's own account.
#[test]
fn what_it_has_laid_out_in_the_servers_folder_is_removed() {
    let place = Place::new();
    let folder = place.migration(
        "mkdir -p closed/inside; chmod 000 closed; \
         for n in `seq 1100`; do mkdir d; cd d || exit; done; echo done",
    );
    place.verify(&folder).run().expect(0);
    assert_eq!(place.said(), "done\n");
    assert_eq!(servers_in(place.0.path()), 0);
}
