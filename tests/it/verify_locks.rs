//! `verify`: which lock each statement of a migration took, as the server shows it.

use std::fs;

use crate::support::Output;
use crate::support::command::Pgtend;
use crate::support::server::server;

/// Applies the migrations in this order as the tool would, and returns what was said.
fn verify(migrations: &[&str], layout: &str, more: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let suffix = if layout == "golang-migrate" { "up.sql" } else { "sql" };
    for (at, sql) in migrations.iter().enumerate() {
        fs::write(folder.path().join(format!("{}_m.{suffix}", at + 1)), sql).unwrap();
    }
    let folder = folder.path().to_str().unwrap();
    let url = server().url();
    let call = ["verify", folder, "--format", "json", "--layout", layout, "-d", &url];
    Pgtend::new(&[&call, more].concat()).run()
}

/// `FILE:LINE OBJECT LOCK [rewrites] [scans]`, one a lock.
fn locks(output: &Output) -> Vec<String> {
    let locks = output.json().locks.into_iter().map(|lock| {
        let file = name(&lock.file);
        assert!(lock.held_ms < 10_000, "{lock:?}");
        let mode = lock.lock.unwrap_or("unseen".to_owned());
        let rewrites = if lock.rewrites { " rewrites" } else { "" };
        let scans = if lock.scans { " scans" } else { "" };
        format!("{file}:{} {} {mode}{rewrites}{scans}", lock.line, lock.object)
    });
    locks.collect()
}

/// `RULE FILE:LINE`, those of the lock check.
fn findings(output: &Output) -> Vec<String> {
    const RULES: [&str; 3] = ["table-rewrite", "table-scan", "lock-held"];
    let findings = output.json().findings.into_iter();
    let findings = findings.filter(|finding| RULES.contains(&finding.rule.as_str()));
    let findings = findings.map(|finding| {
        let file = name(finding.file.as_ref().unwrap());
        format!("{} {file}:{}", finding.rule, finding.line.unwrap())
    });
    findings.collect()
}

/// The file's name, without what tells the tool from others.
fn name(file: &str) -> String {
    let file = file.rsplit('/').next().unwrap();
    file.split('.').next().unwrap().to_owned()
}

const TABLES: &str = "CREATE TABLE sales (id bigint PRIMARY KEY, status text, amount int);
CREATE TABLE agents (id bigint PRIMARY KEY, sale bigint);
";

const CHANGES: &str = "ALTER TABLE sales ADD COLUMN a text;
ALTER TABLE sales ALTER COLUMN amount TYPE bigint;
ALTER TABLE sales ALTER COLUMN status SET NOT NULL;
CREATE INDEX sales_status ON sales (status);
ALTER TABLE agents ADD FOREIGN KEY (sale) REFERENCES sales;
ALTER TABLE agents ADD CONSTRAINT positive CHECK (sale > 0) NOT VALID;
ALTER TABLE agents VALIDATE CONSTRAINT positive;
TRUNCATE agents;
INSERT INTO agents SELECT id, id FROM sales;
CREATE TABLE later (a int);
ALTER TABLE later ALTER COLUMN a TYPE bigint;
";

/// What each statement does, however the tool sends it.
const SEEN: [&str; 10] = [
    "2_m:1 public.sales AccessExclusive",
    "2_m:2 public.sales AccessExclusive rewrites scans",
    "2_m:3 public.sales AccessExclusive scans",
    "2_m:4 public.sales Share scans",
    "2_m:5 public.sales ShareRowExclusive",
    "2_m:5 public.agents ShareRowExclusive scans",
    "2_m:6 public.agents AccessExclusive",
    "2_m:7 public.agents ShareUpdateExclusive scans",
    "2_m:8 public.agents AccessExclusive",
    "2_m:9 public.agents RowExclusive",
];

#[test]
fn each_statement_by_itself_is_seen() {
    let output = verify(&[TABLES, CHANGES], "plain", &[]).expect(0);
    assert_eq!(locks(&output), SEEN, "{output}");
    let wanted = [
        "table-rewrite 2_m:2",
        "table-scan 2_m:3",
        "table-scan 2_m:4",
        "table-scan 2_m:5",
    ];
    assert_eq!(findings(&output), wanted, "{output}");
    let found = output
        .json()
        .findings
        .into_iter()
        .find(|it| it.rule == "table-rewrite")
        .unwrap();
    let wanted = "ALTER TABLE takes AccessExclusive on public.sales and rewrites it: all reads and \
                  writes wait meanwhile";
    assert_eq!((found.message.as_str(), found.severity.as_str()), (wanted, "warning"));
    let failed = verify(&[TABLES, CHANGES], "plain", &["--fail-on", "warning"]);
    let check = failed.json().checks.into_iter().find(|check| check.name == "locks").unwrap();
    assert_eq!(check.verdict, "failed", "{failed}");
}

#[test]
fn a_transaction_keeps_what_it_took() {
    let change = "ALTER TABLE sales ADD COLUMN a text;
UPDATE sales SET a = 'x';
CREATE INDEX agents_sale ON agents (sale);
SAVEPOINT s;
ALTER TABLE sales ALTER COLUMN amount TYPE bigint;
ROLLBACK TO s;
ALTER TABLE sales ALTER COLUMN status SET DEFAULT 'new';
";
    let own = format!("BEGIN; {change}COMMIT;\nALTER TABLE sales ALTER COLUMN a DROP NOT NULL;");
    for (layout, sql) in [("sqlx", change), ("golang-migrate", &own), ("plain", &own)] {
        let output = verify(&[TABLES, sql], layout, &[]).expect(0);
        let mut wanted = vec![
            "2_m:1 public.sales AccessExclusive",
            "2_m:3 public.agents Share scans",
            "2_m:5 public.sales AccessExclusive rewrites scans",
        ];
        if sql == own {
            wanted.push("2_m:9 public.sales AccessExclusive");
        }
        assert_eq!(locks(&output), wanted, "{layout}: {output}");
        let wanted = [
            "lock-held 2_m:2",
            "table-scan 2_m:3",
            "lock-held 2_m:3",
            "table-rewrite 2_m:5",
            "lock-held 2_m:5",
        ];
        assert_eq!(findings(&output), wanted, "{layout}: {output}");
        let held = output.json().findings.into_iter().find(|it| it.rule == "lock-held").unwrap();
        let wanted = "UPDATE reads or writes a whole table while its transaction holds \
                      AccessExclusive on public.sales, which line 1 took: all reads and writes wait \
                      until it ends";
        assert_eq!(held.message, wanted);
    }
}

#[test]
fn what_commits_by_itself_is_seen_afterwards() {
    let change = "VACUUM FULL sales;
CREATE INDEX CONCURRENTLY sales_status ON sales (status);
DO $$ BEGIN ALTER TABLE agents ALTER COLUMN sale TYPE text; COMMIT; END $$;
ALTER TABLE agents ADD COLUMN note text;
";
    let output = verify(&[TABLES, change], "plain", &[]).expect(0);
    let wanted = [
        "2_m:1 public.sales unseen rewrites scans",
        "2_m:2 public.sales unseen scans",
        "2_m:3 public.agents unseen rewrites scans",
        "2_m:4 public.agents AccessExclusive",
    ];
    assert_eq!(locks(&output), wanted, "{output}");
    assert_eq!(findings(&output), ["table-rewrite 2_m:1", "table-rewrite 2_m:3"], "{output}");
}

#[test]
fn what_may_only_stand_in_a_transaction_is_given_none() {
    for sql in ["LOCK TABLE sales;", "SAVEPOINT a;"] {
        let output = verify(&[TABLES, sql], "plain", &[]).expect(1);
        let message = output.json().findings.into_iter().find(|it| it.rule == "not-applied");
        assert!(message.unwrap().message.contains("can only be used in transaction"), "{output}");
    }
    let first = "BEGIN;\nSET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\nLOCK TABLE sales;\nCOMMIT;";
    verify(&[TABLES, first], "plain", &[]).expect(0);
    verify(&[TABLES, first], "golang-migrate", &[]).expect(0);
}

#[test]
fn what_the_run_makes_is_not_there_before() {
    let base = tempfile::NamedTempFile::new().unwrap();
    fs::write(base.path(), "CREATE TABLE public.base (a int);").unwrap();
    let base = base.path().to_str().unwrap();
    let change =
        "ALTER TABLE base ALTER a TYPE bigint;\nALTER TABLE sales ALTER amount TYPE bigint;";
    let output = verify(&[TABLES, change], "sqlx", &["--base", base]).expect(0);
    let wanted = ["2_m:1 public.base AccessExclusive rewrites scans"];
    assert_eq!(locks(&output), wanted, "{output}");
    assert_eq!(findings(&output), ["table-rewrite 2_m:1"], "{output}");
}

#[test]
fn every_lock_is_shown_to_those_who_ask() {
    let change = "ALTER TABLE sales ADD COLUMN a text;";
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("1.sql"), TABLES).unwrap();
    fs::write(folder.path().join("2.sql"), change).unwrap();
    let folder = folder.path().to_str().unwrap();
    let shown = Pgtend::new(&["verify", "-v", folder]).run().expect(0).stdout;
    let line = shown.lines().find(|line| line.contains("public.sales")).expect(&shown);
    assert!(line.contains("AccessExclusive") && line.ends_with("2.sql:1"), "{shown}");
    let shown = Pgtend::new(&["verify", folder]).run().expect(0).stdout;
    assert!(!shown.contains("public.sales"), "{shown}");
}

#[test]
fn a_table_is_known_by_its_new_name_and_as_a_partition() {
    let renamed =
        "ALTER TABLE sales RENAME TO deals;\nALTER TABLE deals ALTER amount TYPE bigint;\n";
    let output = verify(&[TABLES, renamed], "golang-migrate", &[]).expect(0);
    assert_eq!(findings(&output), ["table-rewrite 2_m:2"], "{output}");
    let attached = "CREATE TABLE all_agents (LIKE agents) PARTITION BY LIST (id);
ALTER TABLE all_agents ATTACH PARTITION agents DEFAULT;
CREATE INDEX ON all_agents (sale);
";
    let output = verify(&[TABLES, attached], "plain", &[]).expect(0);
    assert!(findings(&output).contains(&"table-scan 2_m:3".to_owned()), "{output}");
}

#[test]
fn lock_is_the_statement_that_takes_it() {
    let change = "LOCK TABLE sales;\nALTER TABLE agents ALTER sale TYPE text;\n";
    for layout in ["sqlx", "golang-migrate"] {
        let output = verify(&[TABLES, change], layout, &[]).expect(0);
        let wanted = [
            "2_m:1 public.sales AccessExclusive",
            "2_m:2 public.agents AccessExclusive rewrites scans",
        ];
        assert_eq!(locks(&output), wanted, "{output}");
        assert_eq!(findings(&output), ["table-rewrite 2_m:2", "lock-held 2_m:2"], "{output}");
    }
}

/// node-pg-migrate runs all that is pending in one transaction, in which what it makes stays locked.
#[test]
fn what_one_transaction_makes_is_not_what_a_later_migration_locks() {
    let rows = "CREATE INDEX agents_sale ON agents (sale);
INSERT INTO sales (status) VALUES ('new');
INSERT INTO agents VALUES (1, 1);
ALTER TABLE agents ADD FOREIGN KEY (sale) REFERENCES sales;
";
    let tables = TABLES.replacen("bigint PRIMARY", "bigserial PRIMARY", 1);
    let output = verify(&[&tables, rows], "node-pg-migrate", &[]).expect(0);
    let wanted = [
        "2_m:1 public.agents Share scans",
        "2_m:2 public.sales RowExclusive",
        "2_m:4 public.sales ShareRowExclusive scans",
        "2_m:4 public.agents ShareRowExclusive scans",
    ];
    assert_eq!(locks(&output), wanted, "{output}");
    assert!(findings(&output).contains(&"table-scan 2_m:1".to_owned()), "{output}");

    // What is tried before has not made the sequence of the base count.
    let base = tempfile::NamedTempFile::new().unwrap();
    fs::write(&base, &tables).unwrap();
    let base = ["--base", base.path().to_str().unwrap()];
    verify(&["SELECT 1;", rows], "node-pg-migrate", &base).expect(0);
}

/// The statement names nothing that was there before.
#[test]
fn what_a_trigger_locks_is_seen() {
    let sql = "CREATE TABLE log (a int);
CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN EXECUTE ''UPDATE sa'' || ''les SET amount = 1''; RETURN NEW; END';
CREATE TRIGGER counted AFTER INSERT ON log FOR EACH ROW EXECUTE FUNCTION count_it();
INSERT INTO log VALUES (1);
";
    for layout in ["plain", "sqlx", "golang-migrate"] {
        let output = verify(&[TABLES, sql], layout, &[]);
        assert_eq!(locks(&output), ["2_m:5 public.sales RowExclusive scans"], "{layout}: {output}");
    }
}

#[test]
fn what_one_transaction_refuses_is_refused() {
    let value = "ALTER TYPE mood ADD VALUE 'glad';";
    let migrations = ["CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE a (b mood);", value];
    let used = "INSERT INTO a VALUES ('glad');";
    let base = tempfile::NamedTempFile::new().unwrap();
    fs::write(&base, migrations[0]).unwrap();
    let base = ["--base", base.path().to_str().unwrap()];
    verify(&[value, used], "plain", &base).expect(0);
    let output = verify(&[value, used], "node-pg-migrate", &base).expect(1);
    assert!(output.stdout.contains("unsafe use of new value"), "{output}");
    // What is checked at the end.
    let deferred = "CREATE TABLE c (d int PRIMARY KEY, e int REFERENCES c DEFERRABLE INITIALLY \
                    DEFERRED); INSERT INTO c VALUES (1, 2);";
    let mended = "INSERT INTO c VALUES (2, 2);";
    verify(&[deferred, mended], "node-pg-migrate", &[]).expect(1);
    verify(&[deferred, "SELECT 1;"], "node-pg-migrate", &[]).expect(1);
}
