//! `@unique`, `@@unique` and `@@index`: the indexes that Prisma's engine makes of them.

use super::condition::condition;
use super::model::{Model, Models};
use super::names::default_name;
use super::syntax::{Argument, Attribute, PrismaValue};
use crate::declared::check::Problem;
use crate::declared::parse::{self, Declared};
use crate::declared::{DeclarationLanguage, DeclaredIndex};
use crate::pg::name::quote_ident;

/// What comes of an attribute.
pub enum Understood {
    Index(Box<DeclaredIndex>),
    /// What only other databases have: what it is, and what to write instead.
    NotHere {
        what: String,
        instead: String,
    },
}

/// An index as it is put together.
struct Draft<'a> {
    model: &'a Model<'a>,
    models: &'a Models<'a>,
    attribute: &'a Attribute,
    /// Whether SQL text of the schema's author stands in it.
    is_raw: bool,
}

/// A column of an index.
struct PrismaKey<'a> {
    column: &'a str,
    sql: String,
    not_here: Option<Understood>,
}

/// What `@@index` or `@@unique` declares.
///
/// # Errors
/// Where it names no column, or says what pgtend does not know.
pub fn of_block(
    model: &Model<'_>,
    attribute: &Attribute,
    models: &Models<'_>,
) -> Result<Understood, Problem> {
    let fields = match attribute.first_or("fields") {
        Some(PrismaValue::List(fields)) if !fields.is_empty() => fields.as_slice(),
        Some(field @ (PrismaValue::Name(_) | PrismaValue::Call(..))) => std::slice::from_ref(field),
        _ => {
            let message = format!("@@{} names no fields", attribute.name);
            return Err(Problem::new(&attribute.source, message));
        }
    };
    let mut draft = Draft { model, models, attribute, is_raw: false };
    let keys = fields
        .iter()
        .map(|field| match field {
            PrismaValue::Name(name) => draft.key(name, &[]),
            PrismaValue::Call(name, arguments) => draft.key(name, arguments),
            _ => Err(draft.problem("a field is expected here")),
        })
        .collect::<Result<Vec<_>, _>>()?;
    draft.finish(keys)
}

/// What `@unique` of a field declares.
///
/// # Errors
/// As [`of_block`].
pub fn of_field(
    model: &Model<'_>,
    field: &str,
    attribute: &Attribute,
    models: &Models<'_>,
) -> Result<Understood, Problem> {
    let mut draft = Draft { model, models, attribute, is_raw: false };
    let arguments = attribute.arguments.iter();
    let of_key = |argument: &&Argument| matches!(argument.name.as_deref(), Some("sort" | "length"));
    let key = draft.key_with(field, arguments.filter(of_key))?;
    draft.finish(vec![key])
}

impl<'a> Draft<'a> {
    fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::new(&self.attribute.source, message)
    }

    fn key(&mut self, field: &str, arguments: &[Argument]) -> Result<PrismaKey<'a>, Problem> {
        self.key_with(field, arguments.iter())
    }

    fn key_with<'v>(
        &mut self,
        field: &str,
        arguments: impl Iterator<Item = &'v Argument>,
    ) -> Result<PrismaKey<'a>, Problem> {
        let column = self.model.column(field, self.attribute, self.models)?;
        let (mut class, mut order, mut not_here) = (String::new(), "", None);
        for argument in arguments {
            let Argument { name, value, .. } = argument;
            match (name.as_deref(), value) {
                (Some("sort"), PrismaValue::Name(sort)) if sort == "Asc" => order = " ASC",
                (Some("sort"), PrismaValue::Name(sort)) if sort == "Desc" => order = " DESC",
                (Some("sort"), _) => {
                    return Err(self.problem("sort is neither Asc nor Desc"));
                }
                (Some("ops"), _) => class = format!(" {}", self.operator_class(value)?),
                (Some("length"), _) => {
                    not_here = Some(Understood::NotHere {
                        what: "length: is MySQL's".to_owned(),
                        instead: format!(
                            "declare it in a SQL file: CREATE INDEX ON {} (left({}, 10))",
                            self.model.table,
                            quote_ident(column)
                        ),
                    });
                }
                _ => return Err(unknown(argument)),
            }
        }
        let sql = format!("{}{class}{order}", quote_ident(column));
        Ok(PrismaKey { column, sql, not_here })
    }

    fn operator_class(&mut self, value: &PrismaValue) -> Result<String, Problem> {
        match value {
            PrismaValue::Name(name) => operator_class(name).ok_or_else(|| {
                self.problem(format!("{name} is no operator class of Prisma's"))
                    .hint("any other one is written raw(\"…\")")
            }),
            PrismaValue::Call(name, arguments) if name == "raw" => {
                self.raw(arguments).map(str::to_owned)
            }
            _ => Err(self.problem("ops is neither an operator class nor raw(\"…\")")),
        }
    }

    fn raw<'v>(&mut self, arguments: &'v [Argument]) -> Result<&'v str, Problem> {
        self.is_raw = true;
        match arguments {
            [Argument { value: PrismaValue::Text(text), .. }] => Ok(text),
            _ => Err(self.problem("raw takes one string")),
        }
    }

    fn finish(mut self, keys: Vec<PrismaKey<'a>>) -> Result<Understood, Problem> {
        let is_unique = self.attribute.name == "unique";
        let columns = keys.iter().map(|key| key.column).collect::<Vec<_>>();
        let list = keys.iter().map(|key| key.sql.as_str()).collect::<Vec<_>>().join(", ");
        let (mut name, mut method, mut predicate) = (None, None, None);
        let mut not_here = keys.into_iter().find_map(|key| key.not_here);
        for argument in &self.attribute.arguments {
            let value = &argument.value;
            match (argument.name.as_deref(), value) {
                (None | Some("fields" | "sort" | "length"), _) => {}
                (Some("map"), PrismaValue::Text(map)) if !map.is_empty() => {
                    name = Some(map.clone());
                }
                // Before `map` an index was named so; of a unique one it is the client's name.
                (Some("name"), PrismaValue::Text(given)) if !given.is_empty() => {
                    name = name.or((!is_unique).then(|| given.clone()));
                }
                (Some("map" | "name"), _) => return Err(self.problem("the name is no string")),
                (Some("type"), PrismaValue::Name(of)) if !is_unique => method = self.method(of)?,
                (Some("where"), _) => predicate = Some(self.predicate(value)?),
                (Some("clustered"), _) => {
                    not_here = Some(Understood::NotHere {
                        what: "clustered: is SQL Server's".to_owned(),
                        instead: "take it out; CLUSTER orders a table once".to_owned(),
                    });
                }
                _ => return Err(unknown(argument)),
            }
        }
        if let Some(not_here) = not_here {
            return Ok(not_here);
        }
        let suffix = if is_unique { "_key" } else { "_idx" };
        let method_sql = method.map_or_else(String::new, |method| format!("USING {method} "));
        let where_sql = predicate.as_ref().map_or_else(String::new, |it| format!(" WHERE ({it})"));
        let index = DeclaredIndex {
            name: Some(name.unwrap_or_else(|| default_name(&self.model.table, &columns, suffix))),
            table: self.model.table.clone(),
            unique: is_unique,
            definition: format!("{method_sql}({list}){where_sql}"),
            plain: predicate.is_none(),
            method: method.map(str::to_owned),
            tablespace: None,
            columns: columns.into_iter().map(|column| Some(column.to_owned())).collect(),
            parts: Vec::new(),
            origin: DeclarationLanguage::Prisma,
            source: self.attribute.source.clone(),
        };
        Ok(Understood::Index(Box::new(if self.is_raw { as_parsed(index)? } else { index })))
    }

    fn method(&self, name: &str) -> Result<Option<&'static str>, Problem> {
        Ok(Some(match name {
            "BTree" => return Ok(None),
            "Hash" => "hash",
            "Gin" => "gin",
            "Gist" => "gist",
            "SpGist" => "spgist",
            "Brin" => "brin",
            _ => {
                let message = format!("type: {name} is no index type of PostgreSQL");
                return Err(self
                    .problem(message)
                    .hint("Prisma knows BTree, Hash, Gin, Gist, SpGist and Brin"));
            }
        }))
    }

    fn predicate(&mut self, value: &PrismaValue) -> Result<String, Problem> {
        match value {
            PrismaValue::Call(name, arguments) if name == "raw" => {
                self.raw(arguments).map(str::to_owned)
            }
            PrismaValue::Object(fields) => {
                let column = |name: &str| self.model.column(name, self.attribute, self.models);
                condition(fields, column, &self.attribute.source)
            }
            _ => Err(self.problem("where is neither raw(\"…\") nor { field: value }")),
        }
    }
}

fn unknown(argument: &Argument) -> Problem {
    let name = argument.name.as_deref().unwrap_or("without a name");
    let message = format!("pgtend does not know the argument {name} of an index");
    Problem::new(&argument.source, message)
        .hint("leave the index to a SQL file beside the schema: CREATE INDEX …")
}

/// The index as PostgreSQL's grammar reads its author's SQL.
fn as_parsed(index: DeclaredIndex) -> Result<DeclaredIndex, Problem> {
    let unique = if index.unique { "UNIQUE " } else { "" };
    let sql = format!("CREATE {unique}INDEX ON {} {}", index.table, index.definition);
    let at = index.source.clone();
    let wrong = |problem: Problem| Problem::new(&at, format!("raw SQL: {}", problem.message));
    match parse::declared(&sql, &index.source).map_err(wrong)?.pop() {
        Some(Declared::Index(parsed)) => Ok(DeclaredIndex {
            name: index.name,
            origin: index.origin,
            source: index.source,
            ..parsed
        }),
        _ => Err(Problem::new(&at, "raw SQL: this makes no index")),
    }
}

/// The operator class that Prisma calls so: `TimestampTzMinMaxOps` is `timestamptz_minmax_ops`.
fn operator_class(name: &str) -> Option<String> {
    const TYPES: [&str; 22] = [
        "Inet",
        "Jsonb",
        "Array",
        "Text",
        "Bit",
        "VarBit",
        "Bpchar",
        "Bytea",
        "Date",
        "Float4",
        "Float8",
        "Int2",
        "Int4",
        "Int8",
        "Numeric",
        "Oid",
        "Timestamp",
        "TimestampTz",
        "Time",
        "TimeTz",
        "Uuid",
        "MacAddr",
    ];
    const KINDS: [(&str, &str); 6] = [
        ("MinMaxMulti", "_minmax_multi"),
        ("MinMax", "_minmax"),
        ("Bloom", "_bloom"),
        ("Inclusion", "_inclusion"),
        ("Path", "_path"),
        ("", ""),
    ];
    let stem = name.strip_suffix("Ops")?;
    let (of, kind) = KINDS
        .iter()
        .find_map(|(suffix, kind)| Some((stem.strip_suffix(suffix)?, kind)))?;
    TYPES.contains(&of).then(|| format!("{}{kind}_ops", of.to_lowercase()))
}
