//! What other tools write, through a pipe: `… | pgtend plan --ignore-other -`. The files are what the
//! tools themselves have written, of a schema with two tables.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Database, Output, Pgtend};

/// Each with one index of it, and how many objects it declares.
const TOOLS: [(&str, &str, usize); 6] = [
    ("alembic", "ix_sales_open", 3),
    ("django", "sale_customer_day", 8),
    ("drizzle", "sales_customer_day", 4),
    ("pg_dump", "crm.customers_lower_name", 8),
    ("prisma", "sales_customer_day", 3),
    ("rails", "index_sales_on_day_open", 3),
];

fn file(tool: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/piped");
    folder.join(format!("{tool}.sql"))
}

/// The statements one by one, as psql sends them: some refuse to be in a transaction.
async fn run_by_hand(db: &Database, file: &Path) {
    let session = db.session().await;
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('\\') && !line.starts_with("--"));
    let text = lines.collect::<Vec<_>>().join("\n");
    for statement in text.split(";\n").filter(|statement| !statement.trim().is_empty()) {
        if !statement.contains("CREATE SCHEMA IF NOT EXISTS \"public\"") {
            session.batch_execute(statement).await.unwrap();
        }
    }
}

fn piped(db: &Database, call: &str, file: &Path) -> Output {
    let line = format!("cat '{}' | pgtend {call} --ignore-other --format json -", file.display());
    Pgtend::in_shell(&line).env("DATABASE_URL", &db.url_as("postgres")).run()
}

#[tokio::test]
async fn what_other_tools_write_is_a_declaration() {
    for (tool, index, number) in TOOLS {
        let db = Database::new().await;
        let file = file(tool);
        run_by_hand(&db, &file).await;
        let output = piped(&db, "plan --check", &file).expect(0).came_to("nothing_to_do");
        let declared = output.json().steps.len();
        assert_eq!(declared, number, "{tool}: {output}");
        db.sql(&format!("DROP INDEX {index}")).await;
        let output = piped(&db, "plan --check", &file).expect(1);
        let missing = output.json().steps.into_iter().filter(|step| step.verdict == "to_do");
        // An index may have a comment, too.
        let missing = missing.map(|step| step.object).collect::<BTreeSet<_>>();
        let qualified = if index.contains('.') {
            index.to_owned()
        } else {
            format!("public.{index}")
        };
        assert_eq!(missing, BTreeSet::from([qualified]), "{tool}: {output}");
        piped(&db, "apply", &file).expect(0).came_to("done");
        piped(&db, "plan --check", &file).expect(0);
    }
}

#[tokio::test]
async fn a_tool_that_fails_before_the_pipe_is_no_empty_declaration() {
    let db = Database::new().await;
    let line = "false | pgtend plan --check --ignore-other -";
    let output = Pgtend::in_shell(line).env("DATABASE_URL", &db.url_as("postgres")).run();
    assert_eq!(output.code, 2, "{output}");
    assert!(output.stderr.contains("standard input"), "{output}");
}
