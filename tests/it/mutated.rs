//! Input that was broken in many ways: no parser panics, hangs or says no place. Always the same
//! mutations; `make fuzz` looks for others.

use std::time::{Duration, Instant};

use pg_conninfo::{Conninfo, Environment};
use pgtend::inside::{
    Asked, Others, SqlFile, TableFacts, explained, load_migrations, statements, understand,
    without_secrets,
};

/// No single input may take as long.
const LIMIT: Duration = Duration::from_secs(10);

const SEEDS: [&str; 7] = [
    "\\set ON_ERROR_STOP on\nSET search_path = app, public;\nBEGIN;\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT \
     EXISTS \"We;ird\" ON ONLY s.t USING gin (a, lower(b) DESC) INCLUDE (c) WITH (fillfactor = 70) \
     TABLESPACE x WHERE c = E'it\\'s' AND d IN ('a', U&'\\0061');\nSAVEPOINT a; ROLLBACK TO a; COMMIT;\n",
    "COPY public.t (id, b) FROM stdin;\n1\tit's; CREATE INDEX no ON t (b);\n\\.\n\\restrict k\n\\unrestrict k\n\
     DO $do$ BEGIN EXECUTE 'drop index a'; END $do$;\nALTER TABLE t ADD CONSTRAINT c UNIQUE USING INDEX i, \
     DROP COLUMN IF EXISTS a CASCADE, ALTER b TYPE int;\nDROP SCHEMA s CASCADE;\n",
    "CREATE MATERIALIZED VIEW v (a, b) AS WITH x AS (SELECT * FROM t) SELECT CASE WHEN a > 0 THEN b[1:2] END, \
     count(*) FROM x JOIN y USING (z) GROUP BY ROLLUP (1) UNION ALL VALUES (1, $$a;b$$);\nCOMMENT ON INDEX \
     s.i IS 'x';\nVACUUM (ANALYZE, PARALLEL 2) a, b (c);\nSELECT pg_catalog.set_config('search_path', '', false);\n",
    "-- +goose Up\nCREATE SCHEMA a CREATE TABLE t (b int) CREATE INDEX i ON t (b);\n-- +goose StatementBegin\n\
     CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END;\n-- +goose StatementEnd\n-- +goose Down\n\
     DROP INDEX i;\n",
    "((sales.status)::text = 'completed'::text) AND (lower(name) ~~ ANY ('{a,b}'::text[])) OR (NOT x IS NULL)",
    "postgresql://user:pa%20ss@[::1]:5432,host/db?sslmode=verify-full&options=-c%20a%3Db",
    "host='a b' port=5432 password='x\\'y' ALTER ROLE a PASSWORD 'md5' /* c */ SET app.pw TO \"x\"",
];

/// Pieces that mean something to one of the parsers.
const PIECES: [&str; 34] = [
    "'",
    "\"",
    "$$",
    "$a$",
    "\\",
    "\\\\",
    "\\;",
    "\\q\n",
    "\\i x\n",
    "--",
    "/*",
    "*/",
    ";",
    "(",
    ")",
    "[",
    "]",
    ":",
    "::",
    ":x",
    "\n",
    "\r",
    "\u{2028}",
    "\u{85}",
    "\u{feff}",
    "\0",
    "é",
    "%",
    "E'",
    "U&\"",
    "BEGIN;",
    "ROLLBACK;",
    "{{x}}",
    "((((((((((((((((((((((((((((((((",
];

/// A generator of numbers that are always the same for a seed other than 0 (xorshift).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }

    fn place(&mut self, text: &str) -> usize {
        let mut at = self.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    /// The text with up to nine changes, some of which bring in pieces of the other texts.
    pub fn mutate(&mut self, text: &str, others: &[&str]) -> String {
        let mut text = text.to_owned();
        for _ in 0..=self.below(8) {
            let (a, b) = (self.place(&text), self.place(&text));
            let (from, to) = (a.min(b), a.max(b));
            match self.below(5) {
                0 => text.insert_str(from, PIECES[self.below(PIECES.len())]),
                1 => {
                    let gone = text[from..to].chars().take(20).map(char::len_utf8).sum::<usize>();
                    text.replace_range(from..from + gone, "");
                }
                2 => {
                    let copy = text[from..to].to_owned();
                    text.insert_str(to, &copy);
                }
                3 => text.truncate(to),
                _ => {
                    let other = others[self.below(others.len())];
                    let cut = self.place(other);
                    text.insert_str(from, &other[cut..]);
                }
            }
        }
        text
    }
}

fn read(text: &str) {
    for others in [Others::Ignore, Others::Refuse] {
        let file = SqlFile { name: "a.sql".into(), text: text.to_owned() };
        if let Err(failure) = understand(&[file], others) {
            let failure = failure.to_string();
            let line = failure.strip_prefix("a.sql:").and_then(|rest| rest.split(':').next());
            assert!(line.is_some_and(|line| line.parse::<usize>().is_ok()), "{failure}\n{text:?}");
        }
    }
    without_secrets(text);
    if let Ok(conninfo) = Conninfo::resolve(Some(text), &Environment::from_variables([])) {
        let _ = conninfo.driver_config();
    }
    Conninfo::without_secrets(text);
    let plan = serde_json::json!([{"Plan": {
        "Node Type": "Seq Scan", "Relation Name": "t", "Schema": "public", "Alias": "t",
        "Filter": text, "Plan Rows": 1, "Total Cost": 1.0
    }}]);
    explained::compared(&plan);
    explained::read(&plan, &TableFacts::default());
}

/// More of them with PGTEND_MUTATIONS, which is a factor.
fn rounds(usual: usize) -> usize {
    let factor = std::env::var("PGTEND_MUTATIONS")
        .ok()
        .and_then(|text| text.parse::<usize>().ok());
    usual * factor.unwrap_or(1)
}

#[test]
fn no_mutation_breaks_a_parser() {
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    for round in 0..rounds(700) {
        let text = numbers.mutate(SEEDS[round % SEEDS.len()], &SEEDS);
        let started = Instant::now();
        read(&text);
        assert!(started.elapsed() < LIMIT, "{:?} for {text:?}", started.elapsed());
    }
}

#[test]
fn no_mutation_breaks_the_reading_of_a_folder() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let folder = tempfile::tempdir().unwrap();
    for round in 0..rounds(100) {
        for name in ["1_a.sql", "2_b.up.sql", "2_b.down.sql", "V3__c.sql"] {
            let seed = SEEDS[numbers.below(4)];
            let text = numbers.mutate(seed, &SEEDS);
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let gone = ["1_a.sql", "2_b.up.sql", "2_b.down.sql", "V3__c.sql"][round % 4];
        std::fs::remove_file(folder.path().join(gone)).unwrap();
        let started = Instant::now();
        if let Ok(loaded) = load_migrations(&[folder.path()], &Asked::default()) {
            for migration in &loaded.migrations {
                let _ = statements(&migration.up);
            }
        }
        assert!(started.elapsed() < LIMIT, "{:?}", started.elapsed());
    }
}
