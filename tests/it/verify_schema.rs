//! `verify`: what it makes of the finished schema.

use crate::support::Output;
use crate::support::folder::{Folder, errors, reason, verdicts};

const TABLE: &str = "CREATE TABLE sales (id bigint PRIMARY KEY, status text, sold date);\n";

/// As `psql -f` would run it.
fn verify(sql: &str) -> Output {
    Folder::new(&[("1_m.sql", sql)]).verify_as(&["--layout", "plain"])
}

fn found(output: &Output, name: &str) -> String {
    verdicts(output, &[name])
}

fn messages(output: &Output, rule: &str) -> Vec<String> {
    let findings = output.json().findings.into_iter();
    findings.filter(|finding| finding.rule == rule).map(|finding| finding.message).collect()
}

#[test]
fn what_is_declared_is_there_and_an_index_is_broken_and_mended() {
    let sql = format!(
        "SET lock_timeout = '1ms'; SET statement_timeout = '1ms'; SET statement_timeout = 0;
        {TABLE}
        INSERT INTO sales SELECT n, 'open', now() FROM generate_series(1, 1000) n;
        CREATE UNIQUE INDEX sales_id ON sales (id);
        ALTER TABLE sales ADD CONSTRAINT sales_id_key UNIQUE USING INDEX sales_id;
        CREATE INDEX ON sales (status);
        CREATE INDEX sales_lower ON sales (lower(status)) WHERE id > 5;
        CREATE MATERIALIZED VIEW totals AS SELECT status, count(*) FROM sales GROUP BY status;
        CREATE INDEX totals_status ON totals (status);
        -- What is left open ends with the session.
        BEGIN; LOCK TABLE sales;"
    );
    let output = verify(&sql).expect(0);
    assert_eq!(found(&output, "converge"), "converge passed", "{output}");
    assert_eq!(reason(&output, "converge"), "4 objects as declared");
    assert_eq!(found(&output, "heal"), "heal passed", "{output}");
    assert_eq!(reason(&output, "heal"), "public.sales_lower was broken and mended");
    assert_eq!(errors(&output).len(), 0, "{output}");
}

#[test]
fn a_name_that_was_taken_is_found_and_what_was_dropped_or_changed_later_is_not() {
    let sql = format!(
        "{TABLE}
        CREATE TABLE customers (id bigint);
        CREATE INDEX sales_idx ON sales (status);
        CREATE INDEX customers_idx ON customers (id);
        CREATE INDEX IF NOT EXISTS sales_idx ON sales (id);
        CREATE INDEX IF NOT EXISTS customers_idx ON sales (id);
        CREATE MATERIALIZED VIEW IF NOT EXISTS customers AS SELECT 1 AS a;
        CREATE MATERIALIZED VIEW v AS SELECT 1 AS a;
        CREATE MATERIALIZED VIEW IF NOT EXISTS v AS SELECT 2 AS a;
        CREATE INDEX gone ON sales (sold);
        DROP INDEX gone;
        CREATE INDEX IF NOT EXISTS renamed ON sales (sold);
        ALTER TABLE sales RENAME COLUMN sold TO sold_on;
        CREATE INDEX with_its_column ON sales (sold_on);
        ALTER TABLE sales DROP COLUMN sold_on;"
    );
    let output = verify(&sql).expect(1);
    assert_eq!(
        messages(&output, "not-as-declared"),
        [
            "this statement has no effect: public.sales_idx is there already, and it is \
             USING btree (status), declared is USING btree (id)",
            "this statement has no effect: public.customers_idx is an index on public.customers",
            "this statement has no effect: public.customers is a table",
            "this statement has no effect: public.v is there already, with another query",
        ],
        "{output}"
    );
}
