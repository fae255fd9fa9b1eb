//! What migrations declare all in all: the indexes and materialized views that one of them creates
//! and no later one takes back, as far as their text tells. Where it does not, they are left out.

use std::collections::HashSet;
use std::sync::Arc;

use squawk_syntax::SourceFile;
use squawk_syntax::ast::{AstNode, Stmt};

use super::migrations::{Lines, Migration, Script};
use super::{DeclaredIndex, DeclaredView, Source, parse, text};
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
    /// What.
    pub declared: T,
    /// Where.
    pub stands: Stands,
    /// With IF NOT EXISTS it may have had no effect.
    pub if_not_exists: bool,
}

/// A statement's place.
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
    let mut walk = Walk::default();
    for (at, migration) in migrations.iter().enumerate() {
        walk.script(at, &migration.up);
    }
    walk.found
}

#[derive(Default)]
struct Walk {
    found: InForce,
    /// A search path was set: what a name without schema means is not known.
    is_path_set: bool,
}

impl Walk {
    fn script(&mut self, migration: usize, script: &Script) {
        let parse = SourceFile::parse(&script.text);
        if !parse.errors().is_empty() {
            self.forget_all();
            return;
        }
        let lines = Lines::new(script);
        let file = Arc::<str>::from(script.file.display().to_string());
        for statement in parse.tree().stmts() {
            let Some(first) = text::first_token(statement.syntax()) else { continue };
            let (line, column) = lines.at(first.text_range().start().into());
            let source = Source { file: file.clone(), line: usize::try_from(line).unwrap_or(0) };
            self.statement(&statement, &source, Stands { migration, line, column });
        }
    }

    fn statement(&mut self, statement: &Stmt, source: &Source, stands: Stands) {
        match statement {
            Stmt::CreateIndex(create) => {
                let if_not_exists = create.if_not_exists().is_some();
                if let Ok(declared) = parse::index(create, source) {
                    self.index(Standing { declared, stands, if_not_exists });
                }
            }
            Stmt::CreateMaterializedView(create) => {
                let if_not_exists = create.if_not_exists().is_some();
                if let Ok(declared) = parse::view(create, source) {
                    self.view(Standing { declared, stands, if_not_exists });
                }
            }
            _ => self.other(&Words::of(&text::verbatim(statement.syntax()))),
        }
    }

    fn index(&mut self, index: Standing<DeclaredIndex>) {
        let name = index.declared.name.clone();
        self.found.indexes.retain(|other| name.is_none() || other.declared.name != name);
        if index.declared.table.schema.is_some() || !self.is_path_set {
            self.found.indexes.push(index);
        }
    }

    fn view(&mut self, view: Standing<DeclaredView>) {
        let name = &view.declared.name;
        self.found.created.push((name.clone(), view.stands));
        self.found.views.retain(|other| other.declared.name.name != name.name);
        // Its query has names too.
        if !self.is_path_set {
            self.found.views.push(view);
        }
    }

    fn forget_all(&mut self) {
        self.found.indexes.clear();
        self.found.views.clear();
    }

    /// What a statement may take back.
    fn other(&mut self, words: &Words) {
        match words.all.first().map(String::as_str) {
            Some("do" | "call") if words.has_any(&["drop", "alter", "execute", "perform"]) => {
                self.forget_all();
            }
            Some("drop") => self.drop(words),
            Some("alter") if words.has_any(&["rename", "drop", "type", "schema"]) => {
                self.alter(words);
            }
            // What `*` stands for may have become more.
            Some("alter" | "create") if words.has_any(&["add", "replace"]) => {
                let grows = |view: &DeclaredView| view.query.replace("(*)", "").contains('*');
                let views = &mut self.found.views;
                views.retain(|view| {
                    !(grows(&view.declared) && words.target().is_read_by(&view.declared))
                });
            }
            _ => {}
        }
        let sets = words.all.first().is_some_and(|first| first != "create");
        self.is_path_set |= sets && words.has_any(&["search_path"]);
    }

    fn drop(&mut self, words: &Words) {
        let InForce { indexes, views, .. } = &mut self.found;
        match words.all.get(1).map(String::as_str) {
            Some("index") => indexes.retain(|index| !words.has_name(&index.declared)),
            Some("table" | "view" | "materialized" | "foreign") => {
                indexes.retain(|index| !words.has(&index.declared.table.name));
                views.retain(|view| !words.has(&view.declared.name.name));
            }
            Some("schema") => {
                let is_gone = |schema: &Option<String>| match schema {
                    Some(schema) => words.has(schema),
                    None => words.has("public"),
                };
                indexes.retain(|index| !is_gone(&index.declared.table.schema));
                views.retain(|view| !is_gone(&view.declared.name.schema));
            }
            Some("owned") => self.forget_all(),
            _ => {}
        }
    }

    fn alter(&mut self, words: &Words) {
        let InForce { indexes, views, .. } = &mut self.found;
        let target = words.target();
        let moves =
            words.has("schema") || words.all.windows(2).any(|pair| pair == ["rename", "to"]);
        indexes.retain(|index| {
            let index = &index.declared;
            let is_touched = moves || words.shares_a_word(&index.definition);
            !(target.has(&index.table.name) && is_touched || words.has_name(index))
        });
        views.retain(|view| {
            let view = &view.declared;
            !(target.has(&view.name.name) || target.is_read_by(view))
        });
    }
}

/// The words of an SQL text in small letters, without quotes; also those of strings, in which DO
/// keeps its statements.
struct Words {
    all: Vec<String>,
    known: HashSet<String>,
}

impl Words {
    fn of(text: &str) -> Words {
        let text = text.to_lowercase();
        let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        let all = words.filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        let known = all.iter().cloned().collect();
        Words { all, known }
    }

    /// Whether a name occurs, or all the words that it is made of.
    fn has(&self, name: &str) -> bool {
        Words::of(name).all.iter().all(|word| self.known.contains(word))
    }

    fn has_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.known.contains(*word))
    }

    /// Whether the index's name occurs.
    fn has_name(&self, index: &DeclaredIndex) -> bool {
        index.name.as_ref().is_none_or(|name| self.has(name))
    }

    fn shares_a_word(&self, text: &str) -> bool {
        Words::of(text).all.iter().any(|word| self.known.contains(word))
    }

    /// The words among which the name is that an ALTER or CREATE is about.
    fn target(&self) -> Words {
        const HEAD: &[&str] = &[
            "alter",
            "create",
            "or",
            "replace",
            "temp",
            "temporary",
            "recursive",
            "table",
            "view",
            "materialized",
            "foreign",
            "index",
            "if",
            "exists",
            "only",
        ];
        // Of one with a schema and quoted blanks more may belong to it.
        const MOST: usize = 4;
        let words = self.all.iter().skip_while(|word| HEAD.contains(&word.as_str()));
        let all = words.take(MOST).cloned().collect::<Vec<_>>();
        Words { known: all.iter().cloned().collect(), all }
    }

    /// Whether the view's query names one of them.
    fn is_read_by(&self, view: &DeclaredView) -> bool {
        self.shares_a_word(&view.query)
    }
}

#[cfg(test)]
mod tests {
    use super::super::migrations::Wrapping;
    use super::*;

    const BEFORE: &str = "CREATE TABLE sales (id int, status text);
        CREATE INDEX sales_status ON sales (status);
        CREATE INDEX IF NOT EXISTS sales_id ON sales (id);
        CREATE MATERIALIZED VIEW totals AS SELECT status, count(*) FROM sales GROUP BY 1;
        CREATE UNIQUE INDEX totals_key ON totals (status);\n";

    /// The names of what is in force after the migrations.
    fn left(scripts: &[&str]) -> String {
        let up = |text: &&str| Script::new("a.sql", 1, (*text).to_owned(), Wrapping::None);
        let migration = |text| Migration { name: String::new(), up: up(text), down: None };
        let InForce { indexes, views, .. } =
            in_force(&scripts.iter().map(migration).collect::<Vec<_>>());
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
            ("ALTER INDEX sales_status RENAME TO x", "totals sales_id totals_key"),
            ("DROP TABLE sales CASCADE", "totals totals_key"),
            ("DROP MATERIALIZED VIEW totals", "sales_status sales_id"),
            ("DROP SCHEMA public CASCADE", ""),
            ("ALTER TABLE sales RENAME TO old", "totals_key"),
            ("ALTER TABLE sales SET SCHEMA old", "totals_key"),
            ("ALTER TABLE sales RENAME status TO state", "sales_id totals_key"),
            ("ALTER TABLE sales ALTER COLUMN status TYPE int", "sales_id totals_key"),
            ("DO $$BEGIN EXECUTE 'x'; END$$", ""),
            ("SELECT FROM nonsense nonsense nonsense", ""),
        ] {
            assert_eq!(left_by(statement), wanted, "{statement}");
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
