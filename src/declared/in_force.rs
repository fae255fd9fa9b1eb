//! What migrations declare all in all: the indexes and materialized views that one of them creates
//! and no later one takes back, as far as their text tells. Where it does not, they are left out.

use std::sync::Arc;

use super::migrations::{Migration, Script};
use super::parse::Others;
use super::passed::Passed;
use super::psql::{Reader, Text};
use super::walk::{Doubts, Entry, Session, Walk};
use super::{DeclaredIndex, DeclaredView};
use crate::pg::name::RelationName;

/// What is in force after the last migration, in the order of the files.
#[derive(Debug, Clone, Default)]
pub struct InForce {
    /// CREATE INDEX.
    pub indexes: Vec<Standing<DeclaredIndex>>,
    /// CREATE MATERIALIZED VIEW.
    pub views: Vec<Standing<DeclaredView>>,
    /// Where materialized views were created at all, also those that are not in force.
    pub created: Vec<(RelationName, Stands)>,
}

/// Something declared, and where.
#[derive(Debug, Clone)]
pub struct Standing<T> {
    pub declared: T,
    pub stands: Stands,
    /// With IF NOT EXISTS it may have had no effect.
    pub if_not_exists: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stands {
    /// The migration's place in the list.
    pub migration: usize,
    /// The line in the file, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

/// Walks through the migrations in their order.
pub fn in_force(migrations: &[Migration]) -> InForce {
    let mut reader = Reader::new(Passed::new(Others::Ignore));
    let mut walk = Walk::new(Doubts::Forget);
    for (at, migration) in migrations.iter().enumerate() {
        let mut session = Session::default();
        let Script { file, first_line, text, rows, .. } = &migration.up;
        let text = Text {
            name: &Arc::from(file.display().to_string()),
            path: Some(file),
            first_line: usize::try_from(*first_line).unwrap_or(1),
            text,
            rows_are_apart: !rows.is_empty(),
        };
        reader.read(text, &mut |statement, passed| session.hear(statement, passed));
        if !reader.problems.is_empty() {
            walk.forget_all();
            reader.problems.clear();
        }
        walk.session(session, at, &mut reader.passed);
        walk.problems.clear();
        reader.passed.warnings.clear();
    }
    InForce {
        indexes: standing(walk.indexes),
        views: standing(walk.views),
        created: walk.created,
    }
}

fn standing<T>(entries: Vec<Option<Entry<T>>>) -> Vec<Standing<T>> {
    let entries = entries.into_iter().flatten();
    entries
        .map(|Entry { declared, stands, if_not_exists, .. }| Standing {
            declared,
            stands,
            if_not_exists,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declared::migrations::Wrapping;

    const BEFORE: &str = "CREATE TABLE sales (id int, status text);
        CREATE INDEX sales_status ON sales (status);
        CREATE INDEX IF NOT EXISTS sales_id ON sales (id);
        CREATE MATERIALIZED VIEW totals AS SELECT status, count(*) FROM sales GROUP BY 1;
        CREATE UNIQUE INDEX totals_key ON totals (status);\n";

    fn migration(text: &str) -> Migration {
        let up = Script::new("a.sql", 1, text.to_owned(), Wrapping::None);
        Migration { name: String::new(), up, down: None }
    }

    /// The names of what is in force after the migrations.
    fn left(scripts: &[&str]) -> String {
        let InForce { indexes, views, .. } =
            in_force(&scripts.iter().map(|text| migration(text)).collect::<Vec<_>>());
        let views = views.into_iter().map(|view| view.declared.name.to_string());
        let indexes = indexes.into_iter().map(|index| {
            let table = index.declared.table.to_string();
            index.declared.name.unwrap_or(format!("on {table}"))
        });
        views.chain(indexes).collect::<Vec<_>>().join(" ")
    }

    fn left_by(statement: &str) -> String {
        left(&[BEFORE, statement])
    }

    #[test]
    fn what_nothing_takes_back_is_in_force() {
        let all = "totals sales_status sales_id totals_key";
        for statement in [
            "",
            "ALTER TABLE sales ADD COLUMN note text",
            "ALTER TABLE other RENAME TO another",
            "DROP INDEX another",
            "DROP TYPE mood",
            "DROP TRIGGER t ON sales",
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql SET search_path = '' AS 'SELECT 1'",
            "DO $$BEGIN RAISE NOTICE 'x'; END$$",
        ] {
            assert_eq!(left_by(statement), all, "{statement}");
        }
    }

    #[test]
    fn what_is_taken_back_or_may_be_is_not() {
        for (statement, wanted) in [
            ("DROP INDEX CONCURRENTLY public.sales_status", "totals sales_id totals_key"),
            ("ALTER INDEX sales_status SET (fillfactor = 70)", "totals sales_id totals_key"),
            ("DROP TABLE sales CASCADE", "totals_key"),
            ("DROP MATERIALIZED VIEW totals", "sales_status sales_id"),
            ("DROP SCHEMA public CASCADE", ""),
            ("ALTER TABLE sales ALTER COLUMN status TYPE int", "sales_id totals_key"),
            ("ALTER TABLE sales DROP status", "sales_id totals_key"),
            (
                "ALTER TABLE sales ADD CONSTRAINT x UNIQUE USING INDEX sales_id",
                "totals sales_status totals_key",
            ),
            ("DO $$BEGIN EXECUTE 'x'; END$$", ""),
            ("'", ""),
        ] {
            assert_eq!(left_by(statement), wanted, "{statement}");
        }
    }

    #[test]
    fn what_is_renamed_and_moved_is_in_force_under_its_new_name() {
        for (statement, wanted) in [
            ("ALTER INDEX sales_status RENAME TO x", "x on sales"),
            ("ALTER TABLE sales RENAME TO old", "sales_status on old"),
            ("ALTER TABLE IF EXISTS sales SET SCHEMA old", "sales_status on old.sales"),
            ("ALTER TABLE sales RENAME status TO state", "sales_status on sales"),
            ("BEGIN; DROP INDEX sales_status; ROLLBACK", "sales_status on sales"),
        ] {
            let migrations = [BEFORE, statement].map(migration);
            let index = &in_force(&migrations).indexes[0].declared;
            let name = index.name.as_deref().unwrap_or_default();
            assert_eq!(format!("{name} on {}", index.table), wanted, "{statement}");
        }
    }

    #[test]
    fn the_last_of_its_name_is_in_force() {
        assert_eq!(
            left_by("CREATE INDEX sales_id ON other (id)"),
            "totals sales_status totals_key sales_id"
        );
        // A star stands for columns that came later.
        let star = "CREATE MATERIALIZED VIEW v AS SELECT * FROM sales";
        assert_eq!(left(&[star, "ALTER TABLE other ADD a int"]), "v");
        assert_eq!(left(&[star, "ALTER TABLE sales ADD a int"]), "");
    }

    #[test]
    fn names_without_schema_below_a_search_path_are_not_known() {
        let path = "SET search_path = crm";
        assert_eq!(left(&[path, "CREATE INDEX a ON crm.t (b); CREATE INDEX c ON t (d)"]), "a");
        assert_eq!(left(&[path, "CREATE MATERIALIZED VIEW crm.v AS SELECT 1"]), "");
        assert_eq!(left(&["CREATE INDEX c ON t (d)", path, "CREATE INDEX ON t (d)"]), "c");
    }
}
