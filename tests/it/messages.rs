//! The common messages word for word, so that a change of words is seen in review. `make pages` writes
//! them down anew.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;

use crate::pages::mask;
use crate::support::command::Pgtend;
use crate::support::{Database, until};

/// What each of the calls says, on both streams.
fn said(folder: &Path, calls: &[&str]) -> String {
    let texts = calls.iter().map(|call| {
        let line = format!("exec 2>&1; {call}");
        let output = Pgtend::in_shell(&line).within(folder).run();
        let text = output.stdout.replace(env!("CARGO_TARGET_TMPDIR"), "HOME");
        format!("$ {call}\n{text}[exit {}]\n", output.code)
    });
    texts.collect::<Vec<_>>().join("\n")
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn the_short_help_of_each_command() {
    let folder = folder(&[]);
    let help = Pgtend::new(&["--help"]).run().expect(0).stdout;
    let list = help.split("Commands:\n").nth(1).unwrap();
    let names = list.lines().take_while(|line| !line.is_empty());
    let names = names.filter(|line| !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    let calls = names.filter(|name| *name != "help").map(|name| format!("pgtend {name} -h"));
    // What all commands share is in the help of the first.
    let texts = calls.enumerate().map(|(at, call)| {
        let text = said(folder.path(), &[&call]);
        let (own, shared) = text.split_once("Shared options:\n").unwrap();
        let examples = shared.split_once("\n\n").unwrap().1;
        if at == 0 {
            text.clone()
        } else {
            format!("{own}[…]\n\n{examples}")
        }
    });
    assert_snapshot!(texts.collect::<Vec<_>>().join("\n"));
}

#[test]
fn a_manual_page() {
    let folder = folder(&[]);
    assert_snapshot!(said(folder.path(), &["pgtend man snapshot"]));
}

#[test]
fn wrong_usage() {
    let folder =
        folder(&[("pgtend.toml", "[targets.production]\nurl = \"postgres://192.0.2.1/\"\n")]);
    let calls = [
        "pgtend aply",
        "pgtend plan --format csv x.sql",
        "pgtend plan --indx x",
        "pgtend apply --jobs many x.sql",
        "pgtend apply --jobs 0 x.sql",
        "pgtend apply --max-wait soon x.sql",
        "pgtend apply --deadlock-victim oter x.sql",
        "pgtend vacuum --threshold much",
        "pgtend vacuum --window night",
        "pgtend slow-queries --fail-if 'mean is bad'",
        "pgtend slow-queries --since yesterday",
        "pgtend history --command nope",
        "pgtend verify --pg 12 x.sql",
        "pgtend verify --fail-on bad x.sql",
        "pgtend rules table-scam",
        "pgtend rules 'select 1'",
        "pgtend man aply",
        "pgtend plan --target prodution x.sql",
        "pgtend plan",
        "pgtend plan -d 'host=a prot=1' x.sql",
    ];
    assert_snapshot!(said(folder.path(), &calls));
}

#[test]
fn what_cannot_be_read_or_reached() {
    let folder = folder(&[
        ("index.sql", "CREATE INDEX a ON sales (amount);\n"),
        ("typo.sql", "CREATE TABLE a (id int);\nCREATE INDX a ON sales (amount);\n"),
        ("open.sql", "CREATE INDEX a ON sales (amount\n"),
        ("wrong.toml", "[apply]\njobs = \"two\"\njbos = 3\n"),
    ]);
    let calls = [
        "pgtend plan missing.sql",
        "pgtend plan --config missing.toml",
        "pgtend plan --config wrong.toml index.sql",
        "pgtend plan typo.sql",
        "pgtend plan open.sql",
        "pgtend plan --target production index.sql",
        "pgtend plan --all-targets index.sql",
        "pgtend plan -d postgres://me@127.0.0.1:1/shop index.sql",
        "pgtend plan -d 'host=/missing user=me dbname=shop' index.sql",
        "pgtend verify missing",
    ];
    assert_snapshot!(said(folder.path(), &calls));
}

/// What these calls say of the database, without what differs from run to run.
fn masked(db: &Database, folder: &Path, calls: &[&str]) -> String {
    let url = db.url_as("postgres");
    let calls = calls.iter().map(|call| {
        let output = Pgtend::in_shell(&format!("exec 2>&1; {call}")).env("DATABASE_URL", &url);
        let output = output.env("DB", &url).within(folder).run();
        let text = output.stdout.replace(&db.name, "shop");
        let text = text.replace(&db.server.socket_dir, "/run/postgresql");
        let text = text.replace(&db.server.port.to_string(), "5432");
        let lines = text.lines().map(mask).collect::<Vec<_>>().join("\n");
        format!("$ {call}\n{lines}\n[exit {}]\n", output.code)
    });
    calls.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_day() {
    let db = Database::new().await;
    db.sql(
        "CREATE TABLE sales (id int PRIMARY KEY, user_id int, amount numeric);
         INSERT INTO sales SELECT n, n % 50, n FROM generate_series(1, 5000) AS n;
         CREATE MATERIALIZED VIEW totals AS SELECT user_id, sum(amount) FROM sales GROUP BY 1;
         CREATE UNIQUE INDEX ON totals (user_id);
         ANALYZE sales",
    )
    .await;
    let files = folder(&[
        (
            "db.sql",
            "CREATE INDEX sales_user ON sales (user_id);\nCREATE INDEX sales_amount ON sales (amount);\n",
        ),
        ("wrong.sql", "CREATE INDEX sales_wrong ON sales (no_such_function(amount));\n"),
    ]);
    let calls = [
        "pgtend init",
        "pgtend plan --no-progress db.sql wrong.sql",
        "pgtend apply -q db.sql",
        "pgtend apply db.sql",
        "pgtend plan --check db.sql --index 'sales_usr*'",
        "pgtend refresh -q --all",
        "pgtend vacuum -q sales",
        "pgtend history",
        "pgtend history --object 'sales_*'",
        "pgtend history --outcome failed",
        "pgtend activity",
        "pgtend init --uninstall",
        "pgtend history",
    ];
    assert_snapshot!(masked(&db, files.path(), &calls));
}

/// Nothing asks for care with a table that is made in the same file; what is there already needs it.
#[tokio::test]
async fn a_verdict() {
    let db = Database::new().await;
    let files = folder(&[]);
    fs::create_dir(files.path().join("m")).unwrap();
    for (name, sql) in [
        (
            "000001_a.up.sql",
            "CREATE TABLE a (id bigint PRIMARY KEY, b bigint);\nCREATE INDEX a_b ON a (b);\n",
        ),
        ("000002_b.up.sql", "CREATE INDEX a_b_id ON a (b, id);\n"),
    ] {
        fs::write(files.path().join("m").join(name), sql).unwrap();
    }
    let calls = [
        "pgtend verify -d \"$DB\" m",
        "pgtend verify -d \"$DB\" -q m",
        "pgtend verify -d \"$DB\" --severity error m",
        "pgtend verify -d \"$DB\" --exclude require-timeout-settings,redundant-index,require-concurrent-index-creation m",
        "pgtend verify -d \"$DB\" --exclude table-scam m",
    ];
    assert_snapshot!(masked(&db, files.path(), &calls));
}

#[tokio::test]
async fn a_dry_run_of_vacuum() {
    let db = Database::new().await;
    db.sql(
        "CREATE TABLE untidy (id int) WITH (autovacuum_enabled = off);
         INSERT INTO untidy SELECT generate_series(1, 1000);
         DELETE FROM untidy WHERE id <= 600;
         SELECT pg_stat_force_next_flush()",
    )
    .await;
    let dead = || async {
        let sql = "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'untidy'";
        db.value(sql).await == "600"
    };
    until("the statistics know", dead).await;
    let files = folder(&[]);
    let call = "pgtend vacuum --dry-run -n public";
    let said = masked(&db, files.path(), &[call]);
    // Its age in transactions differs from version to version.
    assert!(said.contains("\nACTION TABLE DEAD ROWS DUE AT XID AGE WHY\n"), "{said}");
    assert!(said.contains("\nvacuum public.untidy 600 25 "), "{said}");
    assert!(said.contains(" 600 dead rows (due at 25), 1,000 inserted rows"), "{said}");
    assert!(said.contains("\nVACUUM (SKIP_LOCKED"), "{said}");
}
