//! How the server prints an index of plain columns, known without asking it: from the declaration
//! and, where that does not do, from the catalog's columns and operator classes. `None` wherever it is
//! not certain; then the server is asked.

use std::collections::HashMap;

use tokio_postgres::types::Type;

use crate::facts::load::ask;
use crate::facts::{IndexShape, Oid};
use crate::failure::Result;
use crate::pg::name::{NAME_MAX_BYTES, quote_ident};
use crate::pg::session::Session;
use crate::pg::version::ServerVersion;

/// An index of plain columns as declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    method: String,
    keys: Vec<PlainKey>,
    included: Vec<String>,
    nulls_not_distinct: bool,
    options: Vec<(String, String)>,
    tablespace: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct PlainKey {
    column: String,
    class: Option<(Option<String>, String)>,
    descending: bool,
    nulls_first: Option<bool>,
}

/// A method that is part of every server, and what its indexes may be (`amutils` of each method).
struct Method {
    name: &'static str,
    unique: bool,
    ordered: bool,
    multicolumn: bool,
    included: bool,
}

const fn method(name: &'static str, can: [bool; 4]) -> Method {
    let [unique, ordered, multicolumn, included] = can;
    Method { name, unique, ordered, multicolumn, included }
}

const METHODS: [Method; 6] = [
    method("btree", [true, true, true, true]),
    method("hash", [false, false, false, false]),
    method("gin", [false, false, true, false]),
    method("gist", [false, false, true, true]),
    method("spgist", [false, false, false, true]),
    method("brin", [false, false, true, false]),
];

/// The most columns that an index may have (`INDEX_MAX_KEYS`).
const MOST_COLUMNS: usize = 32;
/// `varchar` has no operator classes of its own and takes those of `text`.
const VARCHAR: Oid = 1043;
const TEXT: Oid = 25;

impl Plain {
    /// Reads what follows the table's name.
    pub fn read(definition: &str) -> Option<Plain> {
        let mut words = Lexemes::of(definition)?;
        let method = if words.take("using") {
            words.name()?
        } else {
            "btree".to_owned()
        };
        let keys = words.list(Lexemes::key)?;
        let included = if words.take("include") {
            words.list(Lexemes::name)?
        } else {
            Vec::new()
        };
        let mut nulls_not_distinct = false;
        if words.take("nulls") {
            nulls_not_distinct = words.take("not");
            words.take("distinct").then_some(())?;
        }
        let options = if words.take("with") {
            words.list(Lexemes::option)?
        } else {
            Vec::new()
        };
        let tablespace = words.take("tablespace");
        if tablespace {
            words.name()?;
        }
        words.rest.is_empty().then_some(Plain {
            method,
            keys,
            included,
            nulls_not_distinct,
            options,
            tablespace,
        })
    }

    /// The columns that the catalog has to know.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let keys = self.keys.iter().map(|key| key.column.as_str());
        keys.chain(self.included.iter().map(String::as_str))
    }

    /// What the server prints, where no operator class is named: an existing index that is printed
    /// so proves that the server would take the declaration.
    pub fn as_existing(&self, unique: bool, version: ServerVersion) -> Option<IndexShape> {
        let is_known = self.keys.iter().all(|key| key.class.is_none());
        is_known.then(|| self.shape(unique, version, |_| Some(String::new())))?
    }

    /// What the server prints, where the catalog proves that it would take the declaration.
    pub fn by_catalog(
        &self,
        unique: bool,
        version: ServerVersion,
        table: (Oid, &str),
        catalog: &Catalog,
        searched: &[&str],
    ) -> Option<IndexShape> {
        if self.tablespace || !self.options.is_empty() {
            return None;
        }
        let (table, table_name) = table;
        let column = |name: &str| catalog.columns.get(&(table, name.to_owned()));
        let is_known = |name: &str| column(name).is_some_and(|column| !column.is_virtual);
        if !self.columns().all(|name| is_known(name) && is_surely_printed(name)) {
            return None;
        }
        let shape = self.shape(unique, version, |key| {
            let column = column(&key.column)?;
            match &key.class {
                None => catalog.has_default(&self.method, column).then(String::new),
                Some(class) => catalog.print(&self.method, class, column, searched),
            }
        })?;
        let names = self.columns().collect::<Vec<_>>();
        let name = format!("{table_name}_{}_idx", names.join("_"));
        let is_certain = name.len() <= NAME_MAX_BYTES
            && names.iter().enumerate().all(|(at, name)| !names[..at].contains(name));
        is_certain.then_some(IndexShape { name, ..shape })
    }

    /// As `pg_get_indexdef` prints it.
    fn shape(
        &self,
        unique: bool,
        version: ServerVersion,
        class: impl Fn(&PlainKey) -> Option<String>,
    ) -> Option<IndexShape> {
        let method = METHODS.iter().find(|method| method.name == self.method)?;
        let is_ordered = self.keys.iter().any(|key| key.descending || key.nulls_first.is_some());
        let is_possible = (method.unique || !unique)
            && (method.ordered || !is_ordered)
            && (method.multicolumn || self.keys.len() == 1)
            && (method.included || self.included.is_empty())
            && ((unique && version.major() >= 15) || !self.nulls_not_distinct)
            && self.columns().count() <= MOST_COLUMNS;
        if !is_possible {
            return None;
        }
        let keys = self
            .keys
            .iter()
            .map(|key| {
                let direction = match (key.descending, key.nulls_first) {
                    (false, Some(true)) => " NULLS FIRST",
                    (false, _) => "",
                    (true, Some(false)) => " DESC NULLS LAST",
                    (true, _) => " DESC",
                };
                Some(format!("{}{}{direction}", quote_ident(&key.column), class(key)?))
            })
            .collect::<Option<Vec<_>>>()?
            .join(", ");
        let mut definition = format!("USING {} ({keys})", self.method);
        if !self.included.is_empty() {
            let included = self
                .included
                .iter()
                .map(|name| quote_ident(name))
                .collect::<Vec<_>>()
                .join(", ");
            definition.push_str(&format!(" INCLUDE ({included})"));
        }
        if self.nulls_not_distinct {
            definition.push_str(" NULLS NOT DISTINCT");
        }
        let options = self
            .options
            .iter()
            .map(|(name, value)| format!("{name}='{value}'"))
            .collect::<Vec<_>>()
            .join(", ");
        let options = if options.is_empty() {
            options
        } else {
            format!(" WITH ({options})")
        };
        Some(IndexShape { unique, definition, options, name: String::new() })
    }
}

/// Whether the server and `quote_ident` surely agree on the quotes: keywords depend on the version.
fn is_surely_printed(name: &str) -> bool {
    let is_simple = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    (quote_ident(name) == name && name.chars().all(is_simple))
        || name.contains(|c: char| c.is_ascii_uppercase() || c == ' ')
}

/// The words of a definition: names, with whether they are quoted, and single characters.
struct Lexemes {
    rest: std::collections::VecDeque<Lexeme>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Lexeme {
    Plain(String),
    Quoted(String),
    Number(String),
    Literal(String),
    Sign(char),
}

impl Lexemes {
    /// `None` where something is written that plain columns do not need.
    fn of(text: &str) -> Option<Lexemes> {
        let mut words = std::collections::VecDeque::new();
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let (word, length) = match first {
                'a'..='z' | 'A'..='Z' | '_' => {
                    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
                    let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                    let is_escape = rest[length..].starts_with(['\'', '&']);
                    let word = rest[..length].to_ascii_lowercase();
                    (Lexeme::Plain(word), (!is_escape).then_some(length)?)
                }
                '0'..='9' => {
                    let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                    (Lexeme::Number(rest[..length].to_owned()), length)
                }
                '"' => quoted(rest, '"').map(|(text, length)| (Lexeme::Quoted(text), length))?,
                '\'' => quoted(rest, '\'').map(|(text, length)| (Lexeme::Literal(text), length))?,
                '(' | ')' | ',' | '.' | '=' => (Lexeme::Sign(first), 1),
                _ => return None,
            };
            words.push_back(word);
            rest = rest.get(length..)?.trim_start();
        }
        Some(Lexemes { rest: words })
    }

    fn take(&mut self, keyword: &str) -> bool {
        let is_next = matches!(self.rest.front(), Some(Lexeme::Plain(word)) if word == keyword);
        if is_next {
            self.rest.pop_front();
        }
        is_next
    }

    fn sign(&mut self, sign: char) -> bool {
        let is_next = self.rest.front() == Some(&Lexeme::Sign(sign));
        if is_next {
            self.rest.pop_front();
        }
        is_next
    }

    /// A name without schema. One that has to be quoted and is not is no name but a keyword.
    fn name(&mut self) -> Option<String> {
        match self.rest.pop_front()? {
            Lexeme::Plain(name) => {
                (name.len() <= NAME_MAX_BYTES && quote_ident(&name) == name).then_some(name)
            }
            Lexeme::Quoted(name) => {
                (!name.is_empty() && name.len() <= NAME_MAX_BYTES).then_some(name)
            }
            _ => None,
        }
    }

    fn list<T>(&mut self, item: fn(&mut Lexemes) -> Option<T>) -> Option<Vec<T>> {
        let mut items = Vec::new();
        self.sign('(').then_some(())?;
        loop {
            items.push(item(self)?);
            if self.sign(')') {
                return Some(items);
            }
            self.sign(',').then_some(())?;
        }
    }

    fn key(&mut self) -> Option<PlainKey> {
        let column = self.name()?;
        let is_class = match self.rest.front()? {
            Lexeme::Plain(word) => !["asc", "desc", "nulls", "collate"].contains(&word.as_str()),
            Lexeme::Quoted(_) => true,
            _ => false,
        };
        let mut class = None;
        if is_class {
            let name = self.name()?;
            class = Some(if self.sign('.') {
                (Some(name), self.name()?)
            } else {
                (None, name)
            });
        }
        let descending = !self.take("asc") && self.take("desc");
        let mut nulls_first = None;
        if self.take("nulls") {
            nulls_first = Some(self.take("first"));
            (nulls_first == Some(true) || self.take("last")).then_some(())?;
        }
        Some(PlainKey { column, class, descending, nulls_first })
    }

    /// A storage parameter whose value is printed as it is written.
    fn option(&mut self) -> Option<(String, String)> {
        let Lexeme::Plain(name) = self.rest.pop_front()? else {
            return None;
        };
        self.sign('=').then_some(())?;
        let value = match self.rest.pop_front()? {
            Lexeme::Plain(value) | Lexeme::Number(value) | Lexeme::Literal(value) => value,
            _ => return None,
        };
        let is_simple = value.chars().all(|c| c.is_ascii_alphanumeric());
        // A value that needs no quotes as a name is printed without.
        (is_simple && value.starts_with(|c: char| c.is_ascii_digit())).then_some((name, value))
    }
}

/// What stands between the quotes at the beginning, and how long that is with them.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut inner = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, char)) = chars.next() {
        if char != quote {
            inner.push(char);
        } else if chars.next_if(|(_, next)| *next == quote).is_some() {
            inner.push(quote);
        } else {
            return Some((inner, at + 1));
        }
    }
    None
}

/// What the catalog says of the columns of declared indexes, and of their operator classes.
#[derive(Debug, Default)]
pub struct Catalog {
    columns: HashMap<(Oid, String), IndexColumn>,
    classes: Vec<OperatorClass>,
}

#[derive(Debug)]
struct IndexColumn {
    type_oid: Oid,
    pseudo: Option<String>,
    is_virtual: bool,
}

#[derive(Debug)]
struct OperatorClass {
    method: String,
    schema: String,
    name: String,
    type_oid: Oid,
    type_name: Option<String>,
    is_default: bool,
}

impl Catalog {
    /// Reads the columns of these names of these tables, and the operator classes that they can have.
    pub async fn load(session: &Session, tables: &[Oid], columns: &[&str]) -> Result<Catalog> {
        let mut catalog = Catalog::default();
        let sql = include_str!("../../../sql/catalog/index_columns.sql");
        let params: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
            [(&tables, Type::OID_ARRAY), (&columns, Type::NAME_ARRAY)];
        for row in ask(session, sql, &params).await? {
            let column = IndexColumn {
                type_oid: row.get("type_oid"),
                pseudo: row.get("is_pseudo_of"),
                is_virtual: row.get("is_virtual"),
            };
            catalog.columns.insert((row.get("table_oid"), row.get("name")), column);
        }
        let sql = include_str!("../../../sql/catalog/operator_classes.sql");
        let types = catalog
            .columns
            .values()
            .map(|column| column.type_oid)
            .chain([TEXT])
            .collect::<Vec<_>>();
        for row in ask(session, sql, &[(&types, Type::OID_ARRAY)]).await? {
            catalog.classes.push(OperatorClass {
                method: row.get("method"),
                schema: row.get("schema"),
                name: row.get("name"),
                type_oid: row.get("type_oid"),
                type_name: row.get("type"),
                is_default: row.get("is_default"),
            });
        }
        Ok(catalog)
    }

    fn has_default(&self, method: &str, column: &IndexColumn) -> bool {
        let mut classes = self.classes.iter();
        classes.any(|class| class.method == method && class.is_default && class.takes(column))
    }

    /// The operator class as it is printed: not at all where it is the default of the column's type.
    fn print(
        &self,
        method: &str,
        (schema, name): &(Option<String>, String),
        column: &IndexColumn,
        searched: &[&str],
    ) -> Option<String> {
        let named = |schema: &str| {
            let mut classes = self.classes.iter();
            classes.find(|class| {
                class.method == method && class.name == *name && class.schema == schema
            })
        };
        let class = match schema {
            Some(schema) => named(schema),
            None => searched.iter().find_map(|schema| named(schema)),
        };
        let class = class.filter(|class| class.takes(column))?;
        Some(if class.is_default {
            String::new()
        } else if class.schema == "pg_catalog" {
            format!(" {}", quote_ident(&class.name))
        } else {
            format!(" {}.{}", quote_ident(&class.schema), quote_ident(&class.name))
        })
    }
}

impl OperatorClass {
    /// Whether the server surely takes it for the column. GIN looks at an array's elements when it
    /// builds the index, and refuses those that have no order.
    fn takes(&self, column: &IndexColumn) -> bool {
        let stands_for = column.pseudo.is_some() && self.type_name == column.pseudo;
        self.type_oid == column.type_oid
            || (column.type_oid == VARCHAR && self.type_oid == TEXT)
            || (stands_for && self.method != "gin")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PG: ServerVersion = ServerVersion(150_000);

    fn printed(definition: &str) -> Option<(String, String)> {
        let shape = Plain::read(definition)?.as_existing(true, PG)?;
        Some((shape.definition, shape.options))
    }

    #[test]
    fn plain_columns_are_printed_as_the_server_does() {
        let cases = [
            ("(a)", "USING btree (a)", ""),
            (
                "USING BTREE ( A asc, \"B c\" DESC NULLS FIRST )",
                "USING btree (a, \"B c\" DESC)",
                "",
            ),
            ("(a NULLS FIRST, b nulls last)", "USING btree (a NULLS FIRST, b)", ""),
            (
                "(a DESC NULLS LAST) INCLUDE (b, c)",
                "USING btree (a DESC NULLS LAST) INCLUDE (b, c)",
                "",
            ),
            ("(a) NULLS NOT DISTINCT", "USING btree (a) NULLS NOT DISTINCT", ""),
            ("(a) NULLS DISTINCT", "USING btree (a)", ""),
            ("(a) WITH (FillFactor = '70')", "USING btree (a)", " WITH (fillfactor='70')"),
            ("(\"say \"\"hi\"\"\")", "USING btree (\"say \"\"hi\"\"\")", ""),
        ];
        for (declared, definition, options) in cases {
            let expected = (definition.to_owned(), options.to_owned());
            assert_eq!(printed(declared), Some(expected), "{declared}");
        }
    }

    #[test]
    fn what_is_not_certain_is_left_to_the_server() {
        let cases = [
            "(lower(a))",
            "((a))",
            "(a) WHERE b",
            "(a COLLATE \"C\")",
            "(current_user)",
            "(user)",
            "(a text_ops)",
            "(a gist_trgm_ops (siglen = 32))",
            "USING gin (a)",
            "USING mine (a)",
            "(a) WITH (deduplicate_items = off)",
            "(U&\"a\")",
            "(é)",
            "(a) WITH (fillfactor)",
            "(a -- b\n)",
            "()",
            "(a,)",
            "(a) (b)",
            "",
        ];
        for declared in cases {
            assert_eq!(printed(declared), None, "{declared}");
        }
    }

    #[test]
    fn an_operator_class_is_printed_unless_it_is_the_default() {
        let class = |schema: &str, name: &str, is_default| OperatorClass {
            method: "btree".to_owned(),
            schema: schema.to_owned(),
            name: name.to_owned(),
            type_oid: TEXT,
            type_name: Some("text".to_owned()),
            is_default,
        };
        let column = IndexColumn { type_oid: VARCHAR, pseudo: None, is_virtual: false };
        let catalog = Catalog {
            columns: HashMap::from([((1, "a".to_owned()), column)]),
            classes: vec![
                class("pg_catalog", "text_ops", true),
                class("pg_catalog", "text_pattern_ops", false),
                class("app", "own_ops", false),
            ],
        };
        let print = |definition: &str, searched: &[&str]| {
            let plain = Plain::read(definition).unwrap();
            let shape = plain.by_catalog(false, PG, (1, "t"), &catalog, searched)?;
            Some((shape.definition, shape.name))
        };
        let known = |definition: &str| Some((definition.to_owned(), "t_a_idx".to_owned()));
        let path = &["pg_catalog"][..];
        assert_eq!(print("(a)", path), known("USING btree (a)"));
        assert_eq!(print("(a text_ops)", path), known("USING btree (a)"));
        let pattern = known("USING btree (a text_pattern_ops DESC)");
        assert_eq!(print("(a text_pattern_ops DESC)", path), pattern);
        assert_eq!(print("(a own_ops)", path), None);
        let own = known("USING btree (a app.own_ops)");
        assert_eq!(print("(a own_ops)", &["pg_catalog", "app"]), own);
        assert_eq!(print("(a app.own_ops)", path), own);
        assert_eq!(print("(b)", path), None);
        assert_eq!(print("USING hash (a)", path), None);
    }
}
