//! `pgtend check` on servers with every defect, and on healthy ones.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio_postgres::Client;

use crate::check_roles::{assert_none_is_hidden, no_role_passes};
use crate::support::document::{Check, Document, Finding};
use crate::support::server::{self, Server, binaries};
use crate::support::{Database, PAUSE};

/// What makes a rule find something, and what does not.
struct Fixture {
    rule: String,
    /// `None` where it is about the server or the database.
    schema: String,
    /// What is found; `*` at the end stands for a number that is not known before.
    finds: String,
    /// The server versions that have it.
    majors: RangeInclusive<u32>,
    /// Settings of the server that has the defects.
    settings: Vec<(String, String)>,
    bad: Vec<Part>,
    good: Vec<Part>,
}

/// Statements of one session.
struct Part {
    ends: Ends,
    sql: String,
}

/// What becomes of a session.
#[derive(Clone, Copy, PartialEq)]
enum Ends {
    /// It is gone, and its counters arrive.
    AtOnce,
    /// It stays as it is.
    Never,
    /// It waits for what another session holds.
    Waiting,
}

impl Fixture {
    fn read(path: &Path) -> Fixture {
        let rule = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(path).unwrap();
        let (bad, good) = text.split_once("-- good\n").unwrap_or((&text, ""));
        let marked = |mark: &str| {
            let lines = bad.lines().filter_map(|line| line.strip_prefix(mark));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let settings = marked("-- setting: ").into_iter().map(|line| {
            let (name, value) = line.split_once(" = ").unwrap();
            (name.to_owned(), value.to_owned())
        });
        let major = |mark: &str| marked(mark).pop().map(|text| text.parse().unwrap());
        Fixture {
            majors: major("-- from: ").unwrap_or(0)..=major("-- until: ").unwrap_or(u32::MAX),
            schema: rule.replace('-', "_"),
            finds: marked("-- finds: ").pop().unwrap_or_else(|| panic!("{rule} finds nothing")),
            settings: settings.collect(),
            bad: Part::all_of(bad),
            good: Part::all_of(good),
            rule,
        }
    }

    /// Each part in a session of its own; those that stay are handed over.
    async fn make(&self, db: &Database, parts: &[Part]) -> Vec<Arc<Client>> {
        let mut staying = Vec::new();
        let schema = &self.schema;
        db.sql(&format!("CREATE SCHEMA {schema}")).await;
        let connection = db.url_as("postgres");
        for part in parts {
            let session = Arc::new(db.session().await);
            let path = format!("SET search_path = {schema}, public");
            session.batch_execute(&path).await.unwrap();
            let sql = part.sql.replace("{database}", &db.name);
            let sql = sql.replace("{connection}", &connection);
            if part.ends == Ends::Waiting {
                let waiting = Arc::clone(&session);
                tokio::spawn(async move { waiting.batch_execute(&sql).await });
            } else {
                let made = session.batch_execute(&sql).await;
                made.unwrap_or_else(|error| panic!("{}: {error:?}", self.rule));
            }
            if part.stays() {
                staying.push(session);
            }
        }
        staying
    }
}

impl Part {
    /// `-- then`, `-- stays` and `-- waits` begin another part.
    fn all_of(text: &str) -> Vec<Part> {
        let mut parts = vec![Part { ends: Ends::AtOnce, sql: String::new() }];
        for line in text.lines() {
            let ends = match line {
                "-- then" => Some(Ends::AtOnce),
                "-- stays" => Some(Ends::Never),
                "-- waits" => Some(Ends::Waiting),
                _ => None,
            };
            match ends {
                Some(ends) => parts.push(Part { ends, sql: String::new() }),
                None => parts.last_mut().unwrap().sql += &format!("{line}\n"),
            }
        }
        parts
    }

    fn stays(&self) -> bool {
        self.ends != Ends::AtOnce
    }
}

fn fixtures() -> Vec<Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/check");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let major = binaries().major;
    let fixtures = files.map(|path| Fixture::read(&path));
    let mut fixtures = fixtures.filter(|it| it.majors.contains(&major)).collect::<Vec<_>>();
    // What stays open would hold others up.
    fixtures.sort_by_key(|it| (it.bad.iter().any(Part::stays), it.rule.clone()));
    fixtures
}

/// A server with the settings of all bad fixtures.
fn bad_server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let settings = fixtures().into_iter().flat_map(|fixture| fixture.settings);
        let settings = settings.collect::<BTreeMap<_, _>>();
        let settings = settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        server::start(&settings.collect::<Vec<_>>())
    })
}

pub const ALL_GROUPS: [&str; 13] = [
    "vacuum",
    "statistics",
    "space",
    "indexes",
    "sequences",
    "replication",
    "sessions",
    "settings",
    "versions",
    "security",
    "design",
    "partitions",
    "opinions",
];

fn checked_as(db: &Database, role: &str) -> Document {
    let output = db.pgtend_as(role, &[&["check", "--format", "json"], &ALL_GROUPS[..]].concat());
    output.assert_published();
    let document: Document = output.json();
    assert!(document.error.is_none(), "{output}");
    document
}

pub fn findings(db: &Database) -> Vec<Finding> {
    checked_as(db, "postgres").findings
}

pub fn is_found(findings: &[Finding], rule: &str, object: &str) -> bool {
    let is_it = |found: &str| match object.strip_suffix('*') {
        Some(start) => found.starts_with(start),
        None => found == object,
    };
    findings
        .iter()
        .any(|it| it.rule == rule && it.object.as_deref().is_some_and(is_it))
}

#[tokio::test]
async fn every_defect_is_found_and_none_twice() {
    let db = Database::new_on(bad_server()).await;
    let fixtures = fixtures();
    let mut staying = Vec::new();
    for fixture in &fixtures {
        staying.extend(fixture.make(&db, &fixture.bad).await);
    }
    let lacking = || {
        let found = findings(&db);
        let lacks = fixtures.iter().filter(|fixture| {
            !is_found(&found, &fixture.rule, &fixture.finds.replace("{database}", &db.name))
        });
        lacks.map(|fixture| fixture.rule.clone()).collect::<Vec<_>>()
    };
    assert_eq!(settled(lacking).await, [""; 0], "not found");
    let found = findings(&db);
    let mut once = HashSet::new();
    for finding in &found {
        let key = (&finding.rule, &finding.object);
        assert!(once.insert(key), "{key:?} is told twice");
        assert!(finding.command.is_some() || finding.help.is_some(), "{key:?} has no way out");
        assert!(!finding.evidence.contains_key(""), "{key:?}");
    }
    no_role_passes_what_a_superuser_finds(&db).await;
    drop(staying);
}

/// Whoever cannot see it does not say that it is well.
async fn no_role_passes_what_a_superuser_finds(db: &Database) {
    let all = checked_as(db, "postgres");
    assert!(all.glance.is_some_and(|glance| glance["sessions"].as_i64() > Some(0)));
    let [nobody, monitor, reader, owner] = [
        db.role("nobody").await,
        db.role("monitor").await,
        db.role("reader").await,
        db.role("owner").await,
    ];
    db.sql(&format!(
        "GRANT pg_monitor TO {monitor}, {reader}; GRANT pg_read_all_data TO {reader}"
    ))
    .await;
    for role in [&nobody, &monitor, &reader] {
        let seen = passes_nothing_that_is_found(&all.checks, db, role);
        assert!(role != &nobody || !seen.grants.is_empty());
    }
    // ALTER … OWNER would wait for the sessions that stay.
    db.sql(&format!(
        "UPDATE pg_class SET relowner = '{owner}'::regrole WHERE oid >= 16384;
         UPDATE pg_namespace SET nspowner = '{owner}'::regrole WHERE oid >= 16384;
         UPDATE pg_database SET datdba = '{owner}'::regrole WHERE datname = current_database()"
    ))
    .await;
    passes_nothing_that_is_found(&checked_as(db, "postgres").checks, db, &owner);
}

fn passes_nothing_that_is_found(all: &[Check], db: &Database, role: &str) -> Document {
    let seen = checked_as(db, role);
    assert_none_is_hidden(all, &seen.checks, role);
    seen
}

#[tokio::test]
async fn what_is_suppressed_is_not_told_and_has_to_be_there() {
    let db = Database::new().await;
    db.sql(
        "CREATE TABLE t (id int PRIMARY KEY);
         CREATE INDEX t_twin ON t (id);
         CREATE INDEX t_other ON t (id);
         COMMENT ON INDEX t_twin IS 'pgtend-ignore duplicate-index: it is a test'",
    )
    .await;
    let config = db.path("pgtend.toml");
    let check = |entry: &str| {
        fs::write(
            &config,
            format!("[[check.ignore]]\nrule = \"duplicate-index\"\nreason = \"a\"\n{entry}"),
        )
        .unwrap();
        let config = config.display().to_string();
        let output = db.pgtend(&["check", "indexes", "--config", &config, "--format", "json"]);
        let found = output.json().findings.into_iter().map(|it| (it.rule, it.object.unwrap()));
        found.collect::<Vec<_>>()
    };
    let twin = || ("duplicate-index".to_owned(), "public.t_other".to_owned());
    assert_eq!(check("object = \"public.t_o*\""), []);
    assert_eq!(
        check("object = \"other.*\"")[..1],
        [("unused-ignore".to_owned(), "duplicate-index".to_owned())]
    );
    let expired = check("until = 2020-01-31");
    assert_eq!(expired, [("expired-ignore".to_owned(), "duplicate-index".to_owned()), twin()]);
    let baseline = db.path("known.json").display().to_string();
    db.pgtend(&["check", "indexes", "--write-baseline", &baseline, "--fail-on", "info"])
        .expect(1);
    db.pgtend(&["check", "indexes", "--baseline", &baseline]).expect(0);
    db.sql("CREATE INDEX t_third ON t (id)").await;
    let new = db
        .pgtend(&["check", "indexes", "--baseline", &baseline, "--fail-on", "info"])
        .expect(1);
    assert!(
        new.stdout.contains("public.t_third") && !new.stdout.contains("t_other"),
        "{new}"
    );
}

#[tokio::test]
async fn a_locked_table_is_waited_for_by_nobody() {
    let db = Database::new().await;
    db.sql(
        "CREATE TABLE t (id int, name text);
         CREATE INDEX t_lower ON t (lower(name)) WHERE id > 0;
         CREATE INDEX t_id ON t (id);
         CREATE INDEX t_twin ON t (id);",
    )
    .await;
    let blocker = db.hold("LOCK TABLE t IN ACCESS EXCLUSIVE MODE").await;
    let output = db.pgtend(&["check", "--format", "json"]);
    let document = output.json();
    assert!(is_found(&document.findings, "duplicate-index", "public.t_twin"), "{output}");
    let redundant = document.checks.iter().find(|check| check.name == "redundant-index").unwrap();
    assert_eq!(redundant.verdict, "unknown", "{output}");
    let unknown = document.checks.iter().filter(|check| check.verdict == "unknown");
    assert!(unknown.count() < 3, "{output}");
    blocker.release().await;
}

#[tokio::test]
async fn prometheus_and_cron_are_told() {
    let db = Database::new().await;
    db.sql(
        "CREATE TABLE \"We;ird\" (id int PRIMARY KEY); CREATE INDEX \"a\"\"b\" ON \"We;ird\" (id)",
    )
    .await;
    let file = db.path("check.prom").display().to_string();
    let output = db
        .pgtend(&["check", "indexes", "-q", "--metrics-file", &file, "--fail-on", "info"])
        .expect(1);
    assert!(
        output.stdout.contains("$ DROP INDEX CONCURRENTLY public.\"a\"\"b\""),
        "{output}"
    );
    assert_eq!(output.stderr, "", "{output}");
    let metrics = fs::read_to_string(&file).unwrap();
    let line = format!(
        "pgtend_check_findings{{database=\"{}\",check=\"duplicate-index\",severity=\"info\"}} 1\n",
        db.name
    );
    assert!(metrics.contains(&line), "{metrics}");
    db.pgtend(&["check", "indexes", "-q", "--fail-on", "critical"]).expect(0);
    let brief = db.pgtend(&["check", "indexes", "--brief"]).expect(0);
    assert!(brief.stdout.starts_with(&format!("{}: 1 note; public.", db.name)), "{brief}");
    let wrong = db.pgtend(&["check", "--only", "duplicate-indx"]).expect(2);
    assert!(wrong.stderr.contains("duplicate-index"), "{wrong}");
}

#[tokio::test]
async fn limits_that_are_near_are_found() {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let server = SERVER.get_or_init(|| {
        server::start(&[
            ("max_connections", "20"),
            ("max_locks_per_transaction", "10"),
            ("max_slot_wal_keep_size", "1MB"),
            ("max_wal_senders", "1"),
            ("max_worker_processes", "1"),
            ("shared_preload_libraries", ""),
        ])
    });
    let db = Database::new_on(server).await;
    let role = db.role("app").await;
    db.sql(&format!("ALTER ROLE {role} CONNECTION LIMIT 6")).await;
    db.sql(&format!("ALTER DATABASE {} CONNECTION LIMIT 16", db.name)).await;
    db.sql("SELECT pg_create_physical_replication_slot('was_away', true)").await;
    for _ in 0..3 {
        db.sql("SELECT pg_logical_emit_message(false, 'a', 'b'), pg_switch_wal()").await;
    }
    db.sql("CHECKPOINT").await;
    let mut sessions = Vec::new();
    for number in 0..13 {
        sessions.push(match number {
            0..6 => db.session_as(&role).await,
            _ => db.session().await,
        });
    }
    let tables =
        "DO $$ BEGIN FOR n IN 1..250 LOOP EXECUTE 'CREATE TABLE t' || n || ' ()'; END LOOP; END $$";
    sessions[12].batch_execute(&format!("BEGIN; {tables}")).await.unwrap();
    let expected = [
        ("connections-exhausted", "max_connections"),
        ("role-connection-limit", &role),
        ("database-connection-limit", &db.name),
        ("lock-table-full", "max_locks_per_transaction"),
        ("lost-slot", "replication slot was_away"),
        ("no-statement-statistics", "shared_preload_libraries"),
    ];
    let lacking = || {
        let output =
            db.pgtend(&["check", "sessions", "replication", "settings", "--format", "json"]);
        let found = output.json().findings;
        let lacking = expected.iter().filter(|(rule, object)| !is_found(&found, rule, object));
        lacking.map(|(rule, _)| (*rule).to_owned()).collect()
    };
    assert_eq!(settled(lacking).await, [""; 0], "not found");
    for (rule, _) in expected {
        no_role_passes(&db, rule).await;
    }
    drop(sessions);
}

#[tokio::test]
async fn what_an_old_release_damages_is_named() {
    let db = Database::new().await;
    db.sql("CREATE TABLE t (code bpchar); CREATE INDEX t_code ON t (code)").await;
    let release = db.value("SHOW server_version_num").await.parse::<u32>().unwrap();
    let good = [140_025, 150_020, 160_016, 170_012, 180_007];
    let is_old = good.iter().any(|good| release / 10_000 == good / 10_000 && release < *good);
    let output = db.pgtend(&["check", "versions", "--format", "json"]);
    let found = output.json().findings;
    let suspect = "B-tree indexes on bpchar without a length";
    assert_eq!(is_found(&found, "suspect-index", suspect), is_old, "{output}");
    assert_eq!(is_found(&found, "outdated-minor", "PostgreSQL"), is_old, "{output}");
    if is_old {
        no_role_passes(&db, "suspect-index").await;
        no_role_passes(&db, "outdated-minor").await;
    }
    let ends = ["2026-11-12", "2027-11-11", "2028-11-09", "2029-11-08", "2030-11-14"];
    let ends = ends.into_iter().nth((release / 10_000 - 14) as usize).unwrap_or("2031-11-13");
    let ends = format!("SELECT date '{ends}' - (now() AT TIME ZONE 'UTC')::date <= 180");
    let is_near = db.value(&ends).await == "t";
    assert_eq!(is_found(&found, "end-of-life", "PostgreSQL"), is_near, "{output}");
}

#[tokio::test]
async fn no_good_fixture_is_a_finding() {
    let db = Database::new().await;
    let fixtures = fixtures();
    for fixture in &fixtures {
        fixture.make(&db, &fixture.good).await;
    }
    let wrong = || {
        let wrong = findings(&db).into_iter().filter(|finding| {
            let schema = format!("{}.", finding.rule.replace('-', "_"));
            finding.object.as_ref().is_some_and(|object| object.contains(&schema))
        });
        wrong.map(|finding| format!("{}: {:?}", finding.rule, finding.object)).collect()
    };
    assert_eq!(settled(wrong).await, [""; 0], "found without a defect");
}

/// What is left of a list that is to become empty: counters arrive a moment after the sessions that counted
/// are gone.
pub async fn settled(list: impl Fn() -> Vec<String>) -> Vec<String> {
    let give_up = Instant::now() + Duration::from_secs(20);
    loop {
        let left = list();
        if left.is_empty() || Instant::now() > give_up {
            return left;
        }
        tokio::time::sleep(PAUSE).await;
    }
}
