use std::env;
use std::os::unix::fs::PermissionsExt;
use std::panic;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tokio_postgres::{NoTls, SimpleQueryMessage};

use super::*;

/// Set for the copy of this test binary that is to be killed: where it says what it made.
const VICTIM: &str = "PG_SANDBOX_TEST_VICTIM";

/// Where the tests are told which server to use.
const SEARCH: Search = Search { variable: Some("PG_SANDBOX_BIN") };

fn options() -> Options {
    Options::new(SEARCH.find(None).unwrap())
}

/// The one of [`options`].
fn maker() -> Maker {
    Maker::new(&options().maker).unwrap()
}

fn started() -> Sandbox {
    Sandbox::start(&options()).unwrap()
}

/// The first column of the last row that `statements` return, as text; empty without a row.
fn ask(url: &str, statements: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let messages = runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client.simple_query(statements).await.unwrap()
    });
    let last = messages.iter().rev().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    last.unwrap_or_default().to_owned()
}

/// What must disappear: the directory and the process.
struct Traces {
    home: PathBuf,
    pid: u32,
}

fn traces(sandbox: &Sandbox) -> Traces {
    Traces {
        home: sandbox.data_dir().parent().unwrap().to_owned(),
        pid: sandbox.pid(),
    }
}

impl Traces {
    fn exist(&self) -> bool {
        self.home.exists() || is_running(self.pid)
    }

    /// With some patience: the sweep of another test may be at it.
    fn are_gone_soon(&self) -> bool {
        let start = Instant::now();
        while self.exist() && start.elapsed() < Duration::from_secs(20) {
            sleep(Duration::from_millis(50));
        }
        !self.exist()
    }
}

fn is_running(pid: u32) -> bool {
    let ps = Command::new("ps")
        .args(["-o", "stat=", "-p", &pid.to_string()])
        .output()
        .unwrap();
    let state = String::from_utf8_lossy(&ps.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

fn shell(command: &str) {
    let output = Command::new("/bin/sh").args(["-c", command]).output().unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
}

#[test]
fn a_server_answers_with_statement_counters_and_is_gone_after_drop() {
    let sandbox = started();
    let url = sandbox.url("postgres");
    assert_eq!(ask(&url, "select 'hello'"), "hello");
    let version = options().binaries.version;
    assert!(ask(&url, "show server_version").starts_with(&version));
    assert!(sandbox.has_pg_stat_statements());
    let counted =
        "create extension pg_stat_statements; select calls from pg_stat_statements limit 1";
    assert_eq!(ask(&url, counted), "1");
    assert_eq!(ask(&url, "show listen_addresses"), "");
    assert!(sandbox.log().unwrap().contains("ready to accept connections"));

    let traces = traces(&sandbox);
    assert!(traces.exist());
    drop(sandbox);
    assert!(!traces.exist());
}

#[test]
fn only_its_user_reaches_the_socket() {
    let sandbox = started();
    for private in [sandbox.data_dir(), sandbox.socket_dir()] {
        assert_eq!(fs::metadata(private).unwrap().permissions().mode() & 0o777, 0o700);
    }
    sandbox.stop().unwrap();
}

#[test]
fn a_panic_takes_the_server_with_it() {
    let sandbox = started();
    let traces = traces(&sandbox);
    let outcome = panic::catch_unwind(move || {
        let _sandbox = sandbox;
        panic::resume_unwind(Box::new("as if something went wrong"));
    });
    assert!(outcome.is_err());
    assert!(!traces.exist());
}

#[test]
fn a_crashed_server_recovers_what_was_written() {
    let mut sandbox = started();
    let url = sandbox.url("postgres");
    ask(&url, "create table t as select 'written' as word");
    sandbox.crash().unwrap();
    assert!(!is_running(sandbox.pid()));
    sandbox.restart().unwrap();
    assert_eq!(ask(&url, "select word from t"), "written");
    assert!(sandbox.log().unwrap().contains("automatic recovery in progress"));
}

#[test]
fn settings_rules_and_files_reach_the_server() {
    let mut options = options();
    options.listen_on_loopback();
    options.settings.push(("work_mem".to_owned(), "7MB".to_owned()));
    options.admit_by("local all all trust\nhost all all 127.0.0.1/32 reject\n");
    options.add_file("note.txt", "hello");
    let sandbox = Sandbox::start(&options).unwrap();
    let url = sandbox.url("postgres");
    assert_eq!(ask(&url, "show work_mem"), "7MB");
    assert_eq!(ask(&url, "select pg_read_file('note.txt')"), "hello");
    assert_eq!(ask(&url, "select count(*) from pg_hba_file_rules"), "2");
    std::net::TcpStream::connect(("127.0.0.1", sandbox.port())).unwrap();
}

#[test]
fn a_server_that_refuses_says_why_and_leaves_nothing() {
    let mut options = options();
    options.settings.push(("no_such_setting".to_owned(), "1".to_owned()));
    let error = Sandbox::start(&options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    let message = error.to_string();
    assert!(message.contains("unrecognized configuration parameter"), "{message}");
}

#[test]
fn an_installation_without_the_extension_still_serves() {
    let mut options = options();
    let dir = readable_by_all();
    for program in ["initdb", "pg_ctl"] {
        std::os::unix::fs::symlink(options.binaries.program(program), dir.path().join(program))
            .unwrap();
    }
    write_script(
        &dir.path().join("postgres"),
        &format!(
            "case \"$*\" in *shared_preload_libraries=*)\n\
             echo 'FATAL:  could not access file \"pg_stat_statements\": No such file' >&2; exit 1\n\
             esac\nexec {} \"$@\"\n",
            quoted(&options.binaries.program("postgres"))
        ),
    );
    options.binaries.dir = dir.path().to_owned();
    let sandbox = Sandbox::start(&options).unwrap();
    assert!(!sandbox.has_pg_stat_statements());
    assert_eq!(ask(&sandbox.url("postgres"), "show shared_preload_libraries"), "");
}

fn readable_by_all() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

fn write_script(path: &Path, body: &str) {
    fs::write(path, format!("#!/bin/sh\n{body}")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn other_libraries_are_the_callers_choice() {
    let mut options = options();
    options.settings.push((PRELOAD.to_owned(), "auto_explain".to_owned()));
    assert!(!Recipe::new(&options).unwrap().has_pg_stat_statements());
}

#[test]
fn root_is_told_when_the_servers_account_cannot_run_the_programs() {
    let private = tempfile::tempdir().unwrap();
    if std::os::unix::fs::MetadataExt::uid(&fs::metadata(private.path()).unwrap()) != 0 {
        return;
    }
    let mut options = options();
    options.binaries.dir = private.path().to_owned();
    let error = Sandbox::start(&options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Account);
    assert!(error.to_string().contains("cannot run"), "{error}");
    assert!(error.hint().unwrap().contains("ordinary user"));
}

#[test]
fn a_kept_server_survives_sweeps_until_its_command_is_run() {
    let sandbox = started();
    let traces = traces(&sandbox);
    let kept = sandbox.keep("postgres").unwrap();
    drop(started());
    assert_eq!(ask(&kept.url, "select 'still here'"), "still here");
    assert!(kept.log_path.exists());
    shell(&kept.stop_command);
    assert!(traces.are_gone_soon());
}

#[test]
fn a_kept_server_that_ended_is_swept() {
    let sandbox = started();
    let traces = traces(&sandbox);
    sandbox.keep("postgres").unwrap();
    shell(&format!("kill -KILL {}", traces.pid));
    while is_running(traces.pid) {
        sleep(Duration::from_millis(50));
    }
    drop(started());
    assert!(traces.are_gone_soon());
}

#[test]
fn what_a_killed_process_left_is_swept() {
    let place = readable_by_all();
    let mut victim = spawn_victim(place.path());
    let traces = victims_traces(&mut victim, place.path());
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert!(is_running(traces.pid));
    assert!(traces.home.starts_with(place.path()));

    let stranger = place.path().join("pg-of-somebody");
    fs::create_dir(&stranger).unwrap();
    let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(place.path()).unwrap());
    sweep::sweep(place.path(), owner, &maker());
    assert!(!traces.exist());
    assert!(stranger.exists(), "only what carries the marker is removed");
}

/// A folder that passes for a server's but for what a test puts into it.
fn pretend_home(place: &Path, name: &str) -> PathBuf {
    let home = place.join(name);
    fs::create_dir_all(home.join(home::DATA)).unwrap();
    fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(home.join(maker().marker()), "").unwrap();
    fs::write(home.join(home::LOCK), "").unwrap();
    home
}

#[test]
fn a_kept_server_of_another_container_is_known_by_its_socket() {
    let place = readable_by_all();
    let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(place.path()).unwrap());
    let home = pretend_home(place.path(), "pg-1");
    fs::write(home.join(home::KEPT), "").unwrap();
    fs::create_dir(home.join(home::SOCKET)).unwrap();
    let socket = home.join(home::SOCKET).join(".s.PGSQL.5432");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    sweep::sweep(place.path(), owner, &maker());
    assert!(home.exists(), "nobody sees its processes, but it answers");
    drop(listener);
    sweep::sweep(place.path(), owner, &maker());
    assert!(!home.exists());
}

fn make_fifo(path: &Path) {
    let fifo = rustix::fs::FileType::Fifo;
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, path, fifo, mode, 0).unwrap();
}

#[test]
fn a_sweep_neither_waits_for_what_was_laid_out_nor_reads_it_nor_follows_it() {
    let place = readable_by_all();
    let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(place.path()).unwrap());
    let at = |name: &str| pretend_home(place.path(), name);
    let pid_file = |home: &Path| home.join(home::DATA).join("postmaster.pid");

    let with_fifo_as_lock = at("pg-1");
    fs::remove_file(with_fifo_as_lock.join(home::LOCK)).unwrap();
    make_fifo(&with_fifo_as_lock.join(home::LOCK));
    let with_fifo = at("pg-2");
    make_fifo(&pid_file(&with_fifo));
    let with_device = at("pg-3");
    std::os::unix::fs::symlink("/dev/zero", pid_file(&with_device)).unwrap();
    let elsewhere = readable_by_all();
    fs::write(elsewhere.path().join("precious"), "").unwrap();
    let with_link = at("pg-4");
    fs::remove_dir(with_link.join(home::DATA)).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), with_link.join(home::DATA)).unwrap();
    let strangers = at("pg-5");
    let link = place.path().join("pg-6");
    std::os::unix::fs::symlink(&strangers, &link).unwrap();
    if owner == 0 {
        std::os::unix::fs::chown(&strangers, Some(12345), None).unwrap();
    } else {
        fs::set_permissions(&strangers, fs::Permissions::from_mode(0o777)).unwrap();
    }

    let start = Instant::now();
    sweep::sweep(place.path(), owner, &maker());
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(with_fifo_as_lock.exists(), "it cannot be told whether its maker is gone");
    for swept in [with_fifo, with_device, with_link] {
        assert!(!swept.exists(), "{}", swept.display());
    }
    assert!(elsewhere.path().join("precious").exists());
    assert!(strangers.exists() && link.exists());
}

fn spawn_victim(place: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "tests::is_killed_in_another_process", "--nocapture"])
        .env("TMPDIR", place)
        .env(VICTIM, place.join("report"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn victims_traces(victim: &mut Child, place: &Path) -> Traces {
    loop {
        assert!(victim.try_wait().unwrap().is_none(), "the victim ended by itself");
        if let Ok(report) = fs::read_to_string(place.join("report")) {
            let (pid, home) = report.split_once(' ').unwrap();
            return Traces { home: PathBuf::from(home), pid: pid.parse().unwrap() };
        }
        sleep(Duration::from_millis(50));
    }
}

/// Not a test of its own: the body of the process that `what_a_killed_process_left_is_swept` kills.
#[test]
fn is_killed_in_another_process() {
    let Some(report) = env::var_os(VICTIM).map(PathBuf::from) else {
        return;
    };
    let sandbox = started();
    let traces = traces(&sandbox);
    let draft = report.with_extension("draft");
    fs::write(&draft, format!("{} {}", traces.pid, traces.home.display())).unwrap();
    fs::rename(draft, report).unwrap();
    sleep(Duration::from_secs(120));
}

#[test]
fn urls_and_shell_words_survive_odd_names() {
    assert_eq!(percent_encode("a b/ü?&"), "a%20b%2F%C3%BC%3F%26");
    assert_eq!(quoted(Path::new("/tmp/it's")), r"'/tmp/it'\''s'");
    assert_eq!(list_item(Path::new("/a,\"b")), "\"/a,\"\"b\"");
}
