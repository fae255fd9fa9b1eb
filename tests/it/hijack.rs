//! Nobody's operators, functions, casts, types and relations are taken for the server's, whatever the
//! search path says (CVE-2018-1058), by any command and any option.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use clap::{Arg, CommandFactory};
use pgtend::Cli;

use crate::sql_files::query_files;
use crate::support::server::binaries;
use crate::support::{Database, Pgtend, SALES, until};

const TRAPS: &str = include_str!("hijack.sql");

/// What a role that may create in a schema of the search path leaves there.
async fn trapped() -> (Database, String) {
    let db = Database::new().await;
    let mallory = db.role("mallory").await;
    db.sql(&format!(
        "CREATE EXTENSION pg_stat_statements;
         CREATE SCHEMA app;
         SET search_path = app, pg_catalog;
         {SALES};
         CREATE INDEX sales_amount ON sales (amount);
         CREATE TABLE orders (id int, region text) PARTITION BY LIST (region);
         CREATE TABLE orders_north PARTITION OF orders FOR VALUES IN ('north');
         CREATE MATERIALIZED VIEW totals AS SELECT id, amount FROM sales;
         CREATE UNIQUE INDEX totals_id ON totals (id);
         GRANT CREATE ON SCHEMA public TO {mallory};"
    ))
    .await;
    db.session_as(&mallory).await.batch_execute(TRAPS).await.unwrap();
    (db, mallory)
}

/// What was sprung in this database by sessions of an application of that name.
fn sprung(db: &Database, application: &str) -> Vec<String> {
    let mark = format!(" db={} app={application}", db.name);
    let log = fs::read(&db.server.log_path).unwrap();
    let log = String::from_utf8_lossy(&log);
    let lines = log
        .lines()
        .filter(|line| line.contains(&mark) && line.contains(" LOG:  sprung: "));
    lines.map(str::to_owned).collect()
}

/// The calls of each command; between them they have every option.
fn calls(db: &Database, mallory: &str) -> Vec<Vec<String>> {
    let declared = db.declare(
        "CREATE INDEX sales_user ON sales (user_id);
         CREATE UNIQUE INDEX CONCURRENTLY sales_two ON app.sales (id, user_id DESC NULLS LAST);
         CREATE INDEX sales_amount ON app.sales (amount, id);
         CREATE INDEX orders_id ON orders (id);
         CREATE MATERIALIZED VIEW app.later AS SELECT id FROM sales;
         CREATE UNIQUE INDEX ON app.later (id);
         COMMENT ON INDEX app.sales_user IS 'by user';
         COMMENT ON MATERIALIZED VIEW app.totals IS 'totals';
         ANALYZE sales;
         VACUUM app.sales;",
    );
    let unqualified = db.declare_as(
        "unqualified.sql",
        "CREATE INDEX sales_day ON sales (amount);
         CREATE MATERIALIZED VIEW sums AS SELECT id FROM sales;
         ANALYZE sales;",
    );
    let file = |name: &str| db.path(name).to_str().unwrap().to_owned();
    let migrations = db.path("migrations");
    fs::create_dir_all(&migrations).unwrap();
    fs::write(migrations.join("1_traps.sql"), TRAPS).unwrap();
    fs::write(
        migrations.join("2_app.sql"),
        "SET search_path = public, pg_catalog;
         CREATE SCHEMA app;
         CREATE TABLE app.t (id pg_catalog.int4, a pg_catalog.int4);
         CREATE TABLE app.u (id pg_catalog.int4 PRIMARY KEY, a pg_catalog.int4);
         ALTER TABLE app.t ADD FOREIGN KEY (a) REFERENCES app.u;
         CREATE INDEX CONCURRENTLY t_a ON app.t (a);
         CREATE MATERIALIZED VIEW app.m AS SELECT id FROM app.t;
         CREATE UNIQUE INDEX m_id ON app.m (id);
         ALTER TABLE app.t ALTER a TYPE pg_catalog.int8;",
    )
    .unwrap();
    for words in ["init --quiet", "add --all", "commit --quiet --message first"] {
        let mut git = Command::new("git");
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
            git.env_remove(name);
        }
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        git.args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-C"])
            .arg(&migrations);
        assert!(git.args(words.split(' ')).status().unwrap().success());
    }
    fs::write(db.path("base.sql"), "CREATE TABLE public.base (id pg_catalog.int4);").unwrap();
    fs::create_dir_all(db.path("workload")).unwrap();
    fs::write(db.path("workload/q.sql"), "SELECT id FROM app.t;").unwrap();
    fs::create_dir_all(db.path("load")).unwrap();
    fs::write(db.path("load/q.sql"), "TABLE app.sales;").unwrap();
    let sent = file("load");
    let (migrations, base, workload) = (file("migrations"), file("base.sql"), file("workload"));
    let (counters, metrics) = (file("counters"), file("metrics"));
    let (major, programs) = (db.server.major, binaries().dir.display().to_string());
    let (twin, advice) = (file("twin"), file("advice.sql"));
    let (drops, adopted) = (file("drops.sql"), file("adopted"));
    let report = format!("sarif={}", file("sarif"));
    let (url, name) = (db.url_as("postgres"), &db.name);
    // The calls are split at blanks.
    let uri = format!("postgresql://?{}", url.replace(' ', "&"));
    let targets = format!("[targets.all]\nurl = {url:?}\ndatabases = {name:?}\n");
    fs::write(db.path("targets.toml"), targets).unwrap();
    let targets = file("targets.toml");
    let lines = format!(
        "init --dry-run
         init --grant {mallory}
         plan {declared}
         plan --check --replace --skip-redundant --ignore-other --index sales* --table app.sales {declared}
         plan --config {targets} --all-targets {declared}
         plan --undeclared --write-drops {drops} {declared}
         plan --for-schema app --undeclared {unqualified}
         apply --for-schema app {unqualified}
         refresh --all --for-schema app
         adopt --dir {adopted} --schema app --table app.*
         adopt
         apply --dry-run {declared}
         apply --jobs 2 --max-wait 1m --max-blocker-age 1h --max-replica-lag 1h --wait 1s --deadlock-victim self --yield-to-ddl self --events --no-query-text --maintenance-work-mem 64MB --detach --replace --time-limit 1h --window 00:00-23:59 --time-zone UTC {declared}
         apply --gentle --index sales* --table app.sales --skip-redundant --ignore-other {declared}
         refresh totals later --with-dependencies --mode plain --jobs 2 --wait 1s --time-limit 1h --window 00:00-23:59 --time-zone UTC --metrics-file {metrics} --events --no-query-text
         refresh --all --mode concurrent
         refresh app.totals --if-changed
         refresh --all --max-age 1h --dry-run
         analyze --needed
         analyze sales --jobs 2 --skip-locked --gentle --events --metrics-file {metrics}
         analyze --all --schema app --exclude orders --time-limit 1h --window 00:00-23:59 --time-zone UTC --wait
         analyze --needed --threshold 0.5 --dry-run
         vacuum --needed
         vacuum sales --analyze --freeze --parallel 1 --no-truncate --no-index-cleanup --disable-page-skipping --jobs 2 --skip-locked --gentle --events --metrics-file {metrics}
         vacuum --all --schema app --exclude orders --time-limit 1h --window 00:00-23:59 --time-zone UTC --wait --truncate --force-index-cleanup
         vacuum --needed --threshold 0.5 --dry-run --no-process-toast
         16 vacuum sales --no-process-main --buffer-usage-limit 256kB
         16 analyze sales --buffer-usage-limit 256kB
         reindex --needed
         reindex --suspect
         reindex sales_amount --table app.sales --exclude nothing --jobs 2 --max-wait 1m --max-blocker-age 1h --max-replica-lag 1h --deadlock-victim self --yield-to-ddl self --events --no-query-text --maintenance-work-mem 64MB --time-limit 1h --window 00:00-23:59 --time-zone UTC --wait
         reindex --schema app --min-bloat 1 --min-size 0 --gentle
         reindex --dry-run
         snapshot --file {counters} --all-databases
         snapshot --keep 1h
         snapshot
         snapshot --list
         snapshot --prune --keep 1h
         slow-queries --explain=3 --explain-others {mallory} --declared {declared} --own --utility --full --limit 5 --user postgres
         slow-queries --all-databases --sort mean --min-mean 1us --min-calls 1 --like select --exclude nothing
         slow-queries --since {counters} --fail-if mean>1h
         slow-queries --since 1h --until 1s
         slow-queries --since 1s --against 1h
         slow-queries --interval 100ms
         check vacuum statistics space indexes sequences replication sessions settings versions security design partitions opinions --report sarif={advice} --metrics-file {advice}
         check --only corrupt-index --deep
         check space --confirm
         check --fix --dry-run
         check --fix --yes
         check --only indexes --skip unused-index --fail-on critical --write-baseline {advice}
         check --baseline {advice} --brief --also {uri} --report html={advice}.html
         what-if {workload} --add {declared} --hide sales_amount --set work_mem=8MB --limit 5 --role {mallory} --save-twin {twin}
         what-if --twin {twin} {workload} --no-values --pg {major} --pg-bin {programs}
         advise --workload {workload} --limit 50 --budget 1GB --max-indexes 3 --write {advice} --check --role {mallory} --no-values
         advise --limit 50 --save-twin {twin}
         advise --twin {twin} --limit 5 --pg-bin {programs} --sql values(1)
         advise --since {counters} --log {declared} --also {uri}
         prove {declared} --advice {advice} --add {declared} --workload {workload} --limit 50 --max-copy 1GB --copy-time 1min --from {uri} --runs 5 --statement-time 10s --check --role {mallory} --pg-bin {programs} --save-twin {twin}.proved --no-values
         prove {declared} --twin {twin}
         prove {declared} --sql values(1)
         prove --after 1d --check
         serve --once {advice}
         load --workload {sent} --rate 50 --clients 2 --duration 1s --warm-up 100ms --statement-time 10s --seed 1 --during true
         load --workload {sent} --allow-writes {name} --trust {mallory} --duration 1s --warm-up 0s
         load --limit 5 --duration 1s --warm-up 0s --clients 1 --plot {advice}.svg
         load --workload {sent} --duration 1s --compare {advice} --max-regression 5%
         history
         history --object app.* --since 1h --command refresh --outcome done --limit 5
         history --keep 1h
         activity
         activity --cancel 1999999999 --terminate 1999999998 --yes --force
         activity --cancel-blockers-of 1999999999 --yes
         activity --all-databases --min-duration 0s --user postgres --no-query-text
         verify --layout plain --base {base} --workload {workload} --fail-on error --report {report} --skip-missing-extensions --set app.tenant=1 --placeholder a=b {migrations}
         verify --down {migrations}
         verify --layout plain --workload {workload} --twin {twin} --max-regression 3 {migrations}
         verify --preset supabase --since HEAD --exclude table-scan --severity error {migrations}
         init --uninstall --yes"
    );
    let lines = lines.lines().map(|line| line.split_whitespace().map(str::to_owned).collect());
    lines.collect()
}

/// They go on until they are ended: [`run_all`] does that.
const ENDLESS: [&str; 3] = ["activity --watch", "slow-queries --watch", "serve"];

/// They look at no server of the user's: [`what_asks_no_server_of_the_users_touches_none`] runs them.
const WITHOUT_SERVER: [&str; 6] =
    ["completions", "demo", "man", "rules", "verify --pg", "verify --pg-bin"];

fn is_exempt(called: &str) -> bool {
    ENDLESS.contains(&called) || WITHOUT_SERVER.contains(&called)
}

fn options(command: &clap::Command) -> Vec<String> {
    let own = |argument: &&Arg| !argument.is_global_set() && !argument.is_hide_set();
    let long = command.get_arguments().filter(own).filter_map(Arg::get_long);
    let long = long.filter(|name| !["help", "version"].contains(name));
    long.map(|name| format!("--{name}")).collect()
}

/// A new command or option has to be called here.
fn assert_complete(calls: &[Vec<String>]) {
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        if name == "help" || is_exempt(name) {
            continue;
        }
        let own = calls.iter().filter(|call| call.iter().take(2).any(|word| word == name));
        let words = own.flatten().map(|word| word.split('=').next().unwrap());
        let words = words.collect::<BTreeSet<_>>();
        assert!(!words.is_empty(), "{name} is not called");
        for option in options(command) {
            let is_exempt = is_exempt(&format!("{name} {option}"));
            assert!(is_exempt || words.contains(option.as_str()), "{name} {option} is not called");
        }
    }
}

/// Runs every command as a superuser, and what goes on until it is ended.
async fn run_all(db: &Database, mallory: &str) {
    let calls = calls(db, mallory);
    assert_complete(&calls);
    let mut seen = 0;
    for call in &calls {
        let mut words = call.iter().map(String::as_str).collect::<Vec<_>>();
        if let Ok(oldest) = words[0].parse::<u32>() {
            if db.server.major < oldest {
                continue;
            }
            words.remove(0);
        }
        let url = db.url_as("postgres");
        if words[0] == "verify" {
            words.extend(["-d", &url]);
        }
        let output = db.pgtend(&words);
        let is_misused = output.stderr.contains("\nUsage: ");
        assert!((0..=5).contains(&output.code) && !is_misused, "{output}");
        let all = sprung(db, "pgtend/");
        assert_eq!(all.len(), seen, "{words:?}: {all:#?}");
        seen = all.len();
    }
    let ticks = "[serve]\nactivity = '100ms'\nstatements = '100ms'\ncheck = '100ms'\n";
    fs::write(db.path("ticks.toml"), ticks).unwrap();
    let ticks = db.path("ticks.toml").display().to_string();
    for call in [
        &["activity", "--watch=100ms", "--min-duration=0s"][..],
        &["slow-queries", "--watch", "--interval=100ms"],
        &["serve", "--listen=127.0.0.1:0", "--config", &ticks],
    ] {
        let running = db.start(call);
        let application = format!("pgtend/{}", call[0]);
        let before = db.logged(&application).len();
        let enough = if call[0] == "serve" { 150 } else { 12 };
        until("it has looked again", || async {
            db.logged(&application).len() > before + enough
        })
        .await;
        running.signal("TERM");
        running.wait();
        assert_eq!(sprung(db, "pgtend/"), [""; 0], "{call:?}");
    }
}

#[tokio::test]
async fn nothing_that_others_may_create_is_called() {
    let (db, mallory) = trapped().await;
    db.sql(&format!("ALTER DATABASE {} SET search_path = public, app, pg_catalog", db.name))
        .await;

    // Whoever asks as the program once did is caught by each kind of trap.
    let victim = db.session().await;
    for (query, trap) in [
        (
            "SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = 'pg_class'::pg_catalog.regclass",
            "comparison",
        ),
        (
            "SELECT FROM pg_catalog.pg_class AS c WHERE c.relpages < 1 LIMIT 1",
            "comparison",
        ),
        ("SELECT pg_catalog.current_database() || 'x'", "||"),
        ("SELECT now()", "function now"),
        ("SELECT count(*) FROM pg_catalog.pg_am", "aggregate count"),
        ("SELECT 'a'::text", "domain text"),
        ("SELECT FROM pg_am", "relation pg_am"),
    ] {
        let before = sprung(&db, "test").len();
        victim.simple_query(query).await.unwrap();
        let caught = sprung(&db, "test").split_off(before);
        assert!(caught.iter().any(|line| line.contains(trap)), "{query}: {caught:?}");
    }
    run_all(&db, &mallory).await;
}

/// Not even where the environment names one.
#[tokio::test]
async fn what_asks_no_server_of_the_users_touches_none() {
    let (db, _) = trapped().await;
    db.sql(&format!("ALTER DATABASE {} SET search_path = public, app, pg_catalog", db.name))
        .await;
    let url = db.url_as("postgres");
    let migrations = tempfile::tempdir().unwrap();
    fs::write(migrations.path().join("1_a.sql"), "CREATE TABLE a (id int);").unwrap();
    let migrations = migrations.path().display().to_string();
    let programs = binaries().dir.display().to_string();
    let major = db.server.major.to_string();
    let calls = [
        &["completions", "bash"][..],
        &["man"],
        &["rules", "table-scan"],
        &["demo", "--scale", "10", "--pg-bin", &programs],
        &["verify", "--pg", &major, "--pg-bin", &programs, &migrations],
    ];
    for of in WITHOUT_SERVER {
        let words = of.split(' ').collect::<Vec<_>>();
        assert!(calls.iter().any(|call| words.iter().all(|word| call.contains(word))), "{of}");
    }
    for call in calls {
        let output = Pgtend::new(call).env("DATABASE_URL", &url).run().expect(0);
        let log = String::from_utf8_lossy(&fs::read(&db.server.log_path).unwrap()).into_owned();
        let mark = format!(" db={} app=pgtend", db.name);
        assert!(!log.lines().any(|line| line.contains(&mark)), "{output}");
    }
}

#[tokio::test]
async fn nor_by_the_owner_of_the_database_who_sets_whatever_he_may() {
    let (db, mallory) = trapped().await;
    db.sql(&format!("ALTER DATABASE {} OWNER TO {mallory}", db.name)).await;
    let settings = [
        "search_path = public, app, pg_catalog",
        "standard_conforming_strings = off",
        "backslash_quote = on",
        "escape_string_warning = on",
        "quote_all_identifiers = on",
        "transform_null_equals = on",
        "default_transaction_isolation = serializable",
        "default_transaction_deferrable = on",
        "client_min_messages = error",
        "client_encoding = 'SQL_ASCII'",
        "DateStyle = 'SQL, DMY'",
        "IntervalStyle = sql_standard",
        "bytea_output = escape",
        "extra_float_digits = -15",
        "statement_timeout = '1min'",
        "xmloption = document",
    ];
    let owner = db.session_as(&mallory).await;
    for setting in settings {
        let server_forces_it = setting.starts_with("standard_conforming") && db.server.major > 18;
        if !server_forces_it {
            let sql = format!("ALTER DATABASE {} SET {setting}", db.name);
            owner.batch_execute(&sql).await.unwrap();
        }
    }
    run_all(&db, &mallory).await;
}

/// What of the schema public the procedure depends on.
const CAUGHT: &str = "
    SELECT string_agg(pg_describe_object(d.refclassid, d.refobjid, 0), ', ')
    FROM pg_depend AS d JOIN pg_proc AS p ON p.oid = d.objid
    WHERE p.proname = 'probe' AND d.classid = 'pg_proc'::regclass AND d.refobjid IN (
      SELECT o.oid FROM pg_operator AS o WHERE o.oprnamespace = 'public'::regnamespace
      UNION ALL SELECT f.oid FROM pg_proc AS f WHERE f.pronamespace = 'public'::regnamespace
      UNION ALL SELECT c.oid FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace
      UNION ALL SELECT t.oid FROM pg_type AS t WHERE t.typnamespace = 'public'::regnamespace
    )";

/// Beside the empty path: the queries' types are such that no operator could fit better.
#[tokio::test]
async fn every_operator_of_a_query_fits_exactly() {
    let db = Database::new().await;
    let mallory = db.role("mallory").await;
    db.pgtend(&["init"]).expect(0);
    db.sql(
        "CREATE EXTENSION pg_stat_statements SCHEMA pgtend;
         CREATE EXTENSION pageinspect SCHEMA pgtend;
         CREATE EXTENSION amcheck SCHEMA pgtend;
         CREATE EXTENSION pgstattuple SCHEMA pgtend; SET search_path = pg_catalog",
    )
    .await;
    db.sql(&format!("GRANT CREATE ON SCHEMA public TO {mallory}")).await;
    db.session_as(&mallory).await.batch_execute(TRAPS).await.unwrap();
    let session = db.session().await;
    session.batch_execute("SET search_path = pg_catalog, public").await.unwrap();
    let probe = async |arguments: &str, text: &str| {
        let sql = format!(
            "CREATE PROCEDURE public.probe({arguments}) LANGUAGE sql BEGIN ATOMIC {text}\n; END"
        );
        session
            .batch_execute(&sql)
            .await
            .unwrap_or_else(|error| panic!("{error:?}\n{text}"));
        let caught = db.value(CAUGHT).await;
        db.sql("DROP PROCEDURE public.probe").await;
        caught
    };
    let old = "SELECT FROM pg_class WHERE oid = 'pg_class'::regclass";
    assert!(probe("", old).await.contains("operator"));
    for file in query_files().into_iter().filter(|it| it.oldest_major() <= db.server.major) {
        let types = file.parameters().into_iter();
        let types = types.map(|kind| format!("pg_catalog.{}", kind.name())).collect::<Vec<_>>();
        assert_eq!(probe(&types.join(", "), &file.text).await, "", "{}", file.name);
    }
}
