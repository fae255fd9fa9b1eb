//! `verify`: what is seen on the server and not in the text: through DO, functions and search paths.

use crate::support::Output;
use crate::support::folder::{Folder, reason};

const BEFORE: &str = "1_m.up.sql";
const AFTER: &str = "2_m.up.sql";

fn verify(before: &str, after: &str, layout: &str) -> Output {
    let folder = Folder::new(&[(BEFORE, before), (AFTER, after)]);
    folder.verify_as(&["--layout", layout])
}

/// The findings of the rule in the files: `file:line: message`.
fn found(output: &Output, rule: &str) -> Vec<String> {
    let findings = output.json().findings.into_iter().filter(|finding| finding.rule == rule);
    let found = findings.map(|finding| {
        let file = finding.file.unwrap();
        let file = file.rsplit('/').next().unwrap().split('_').next().unwrap().to_owned();
        format!("{file}:{}: {}", finding.line.unwrap(), finding.message)
    });
    found.collect()
}

/// Where they stand, without what they say.
fn places(output: &Output, rule: &str) -> Vec<String> {
    let place = |finding: &String| finding.split(": ").next().unwrap().to_owned();
    found(output, rule).iter().map(place).collect()
}

#[test]
fn a_timeout_is_in_force_whoever_has_set_it() {
    let first = "CREATE TABLE t (a int);
DO $$ BEGIN PERFORM set_config('lock_timeout', '5s', false); END $$;
CREATE INDEX CONCURRENTLY i1 ON t (a);
CREATE FUNCTION relax() RETURNS text LANGUAGE sql AS $$ SELECT set_config('lock_timeout', '0', false) $$;
SELECT relax();
CREATE INDEX CONCURRENTLY i2 ON t (a);
SET lock_timeout = '8s'; BEGIN; SET lock_timeout = '7s'; ROLLBACK;
DROP INDEX CONCURRENTLY i2;
SET statement_timeout = '1min';
SET lock_timeout = '9s';
REINDEX INDEX CONCURRENTLY i1;
RESET ALL;
BEGIN; SET LOCAL lock_timeout = '6s'; COMMIT;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET lock_timeout = ''3s''', current_database()); END $$;
CREATE INDEX CONCURRENTLY i5 ON t (a);
";
    let second = "CREATE INDEX CONCURRENTLY i6 ON t (a);
SET lock_timeout = 0;
CREATE INDEX CONCURRENTLY i7 ON t (a);
";
    let output = verify(first, second, "plain").expect(0);
    let found = found(&output, "timeout-before-concurrent");
    let folder = |line: u32| format!("{BEFORE}:{line})");
    let wanted = [
        ("1:3: lock_timeout is 5s (set at ", folder(2)),
        ("1:8: lock_timeout is 8s (set at ", folder(7)),
        ("1:11: lock_timeout is 9s (set at ", folder(10)),
        ("2:1: lock_timeout is 3s in a new session", String::new()),
    ];
    assert_eq!(found.len(), wanted.len(), "{output}");
    for ((begin, set_at), found) in wanted.iter().zip(&found) {
        assert!(found.starts_with(begin) && found.contains(set_at), "{begin} {found}");
    }
    assert!(found[2].contains("and statement_timeout is 1min (set at "), "{found:?}");
}

const TABLES: &str = "CREATE TABLE t (a int); CREATE TABLE u (a int); CREATE INDEX i ON t (a);
CREATE SCHEMA s; CREATE TABLE s.t (a int);";

#[test]
fn if_not_exists_is_judged_by_what_it_met() {
    let long = "a".repeat(63);
    let other = "b".repeat(63);
    let after = format!(
        "CREATE INDEX IF NOT EXISTS i ON u (a);
CREATE INDEX IF NOT EXISTS i ON t (a);
CREATE TABLE IF NOT EXISTS i (a int);
SET search_path = s;
CREATE INDEX IF NOT EXISTS i ON t (a);
CREATE TABLE u (a int);
CREATE INDEX IF NOT EXISTS i ON u (a);
RESET search_path;
DO $$ BEGIN EXECUTE 'DROP INDEX i'; END $$;
CREATE INDEX IF NOT EXISTS i ON u (a);
CREATE FUNCTION make() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE made AS SELECT 1 AS a; END $$;
SELECT make();
CREATE INDEX IF NOT EXISTS made ON u (a);
DO $$ BEGIN CREATE INDEX IF NOT EXISTS made ON t (a); END $$;
CREATE INDEX {long}1 ON t (a);
CREATE INDEX IF NOT EXISTS {long}2 ON t (a);
CREATE INDEX IF NOT EXISTS {long}1 ON t (a);
DO $$ BEGIN EXECUTE 'CREATE INDEX {other}1 ON t (a)'; END $$;
CREATE TEMP TABLE x (a int); CREATE INDEX IF NOT EXISTS i ON x (a);
ALTER TABLE u RENAME TO w;
CREATE INDEX IF NOT EXISTS w ON t (a);
SET client_min_messages = error; SET track_counts = off;
ALTER TABLE w RENAME TO z;
CREATE INDEX IF NOT EXISTS z ON t (a);
-- squawk-ignore identifier-too-long
CREATE INDEX c{long} ON t (a);
"
    );
    let wanted = [
        "2:1: nothing is created: public.i is an index on public.t already (made at ",
        "2:3: nothing is created: public.i is an index on public.t already (made at ",
        "2:7: nothing is created: s.i is an index on s.t already (made at ",
        "2:13: nothing is created: public.made is a table already (made at ",
        "2:14: nothing is created: public.made is a table already (made at ",
        "2:16: nothing is created: ",
        "2:21: nothing is created: public.w is a table already (made at ",
        "2:24: nothing is created: public.z is a table already (made at ",
    ];
    for layout in ["plain", "sqlx", "golang-migrate"] {
        let output = verify(TABLES, &after, layout);
        let found = found(&output, "name-collision");
        assert_eq!(found.len(), wanted.len(), "{layout}: {found:?} {output}");
        for (wanted, found) in wanted.iter().zip(&found) {
            assert!(found.starts_with(wanted), "{layout}: {wanted} {found}");
        }
        assert!(found[3].contains(&format!("{AFTER}:12)")), "{found:?}");
        assert_eq!(places(&output, "long-index-name"), ["2:15", "2:18"], "{layout}: {output}");
    }
}

#[test]
fn what_is_dropped_unseen_and_made_again_is_found() {
    let before = "CREATE TABLE t (a int); CREATE INDEX i ON t (a); CREATE INDEX j ON t (a);
CREATE INDEX l ON t (a); CREATE VIEW v AS SELECT 1 AS a; CREATE VIEW w AS SELECT 1 AS a;
CREATE TABLE k (a int, CONSTRAINT k_key UNIQUE (a)); CREATE VIEW granted AS SELECT 1 AS a;";
    let after = "DO $$ BEGIN EXECUTE 'DROP INDEX i'; END $$;
CREATE INDEX i ON t (a);
DROP VIEW v;
CREATE VIEW v AS SELECT 2 AS a;
BEGIN; DROP VIEW w; CREATE VIEW w AS SELECT 2 AS a; GRANT SELECT ON w TO PUBLIC; COMMIT;
ALTER TABLE t ALTER COLUMN a TYPE bigint;
ALTER TABLE k DROP CONSTRAINT k_key;
ALTER TABLE k ADD CONSTRAINT k_key UNIQUE (a);
CREATE TABLE own (a int); DROP TABLE own; CREATE TABLE own (a int);
DROP INDEX j;
CREATE INDEX x ON t (a); ALTER INDEX x RENAME TO j;
BEGIN; DROP INDEX l; ROLLBACK;
CREATE INDEX IF NOT EXISTS l ON k (a);
DROP TABLE k;
CREATE TABLE k (a int, CONSTRAINT k_key UNIQUE (a));
DROP VIEW granted; CREATE VIEW granted AS SELECT 2 AS a; GRANT SELECT ON granted TO PUBLIC;
";
    let output = verify(before, after, "plain");
    let wanted = [
        "2:1: public.i is dropped and created again in line 2: until it is built queries go without it",
        "2:3: public.v is dropped and created again in line 4: until then every query that reads it \
         fails, and the privileges on it are lost",
        "2:14: public.k is dropped and created again in line 15: its rows, indexes and privileges are lost",
        "2:16: public.granted is dropped and created again in line 16: until then every query that reads it \
         fails",
    ];
    assert_eq!(found(&output, "drop-and-create"), wanted, "{output}");
    assert_eq!(places(&output, "name-collision"), ["2:13"], "{output}");
    let together = "DROP INDEX i;\nCREATE UNIQUE INDEX i ON t (a);\nDROP VIEW v;\nCREATE VIEW v AS SELECT 2 AS a;";
    for layout in ["sqlx", "golang-migrate"] {
        let output = verify(before, together, layout);
        let found = found(&output, "drop-and-create");
        assert!(found[0].ends_with("also for reading, until the new index is built"), "{output}");
        assert!(found[1].ends_with("in line 4: the privileges on it are lost"), "{output}");
    }
}

#[test]
fn what_is_declared_is_what_the_server_has_in_the_end() {
    let before = "CREATE TABLE t (a int); CREATE INDEX gone ON t (a); CREATE INDEX kept ON t (a);
CREATE INDEX made_new ON t (a);";
    let after =
        "DO $$ BEGIN EXECUTE 'DROP INDEX gone'; EXECUTE 'ALTER INDEX kept RENAME TO named'; END $$;
ALTER TABLE t RENAME TO sales;
BEGIN; DROP INDEX made_new; ROLLBACK;
";
    let output = verify(before, after, "plain").expect(0);
    assert_eq!(reason(&output, "converge"), "2 objects as declared", "{output}");
}
