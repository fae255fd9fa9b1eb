//! The statements that make the schema of a twin, in an order in which most succeed at once. What
//! needs something that comes later is tried again.

use super::data::{
    Function, Operator, TwinCheck, TwinCollation, TwinColumn, TwinData, TwinExtension,
    TwinForeignKey, TwinIndex, TwinRelation, UserType,
};
use crate::pg::name::{quote_ident, quote_literal};

/// A statement and what it makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Make {
    pub object: String,
    pub sql: String,
}

fn make(object: impl Into<String>, sql: impl Into<String>) -> Make {
    Make { object: object.into(), sql: sql.into() }
}

/// A name as SQL.
pub fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", quote_ident(schema), quote_ident(name))
}

/// What the superuser makes before any object of others is there, so that their scripts meet none.
pub fn extensions(data: &TwinData) -> Vec<Make> {
    let wanted = data.extensions.iter().filter(|extension| extension.name != "plpgsql");
    let made = wanted.flat_map(|TwinExtension { name, schema, .. }| {
        let schema = quote_ident(schema);
        [
            make(format!("schema {schema}"), format!("CREATE SCHEMA IF NOT EXISTS {schema}")),
            make(
                format!("extension {name}"),
                format!(
                    "CREATE EXTENSION IF NOT EXISTS {} SCHEMA {schema} CASCADE",
                    quote_ident(name)
                ),
            ),
        ]
    });
    made.collect()
}

/// The schemas of all objects.
pub fn schemas(data: &TwinData) -> Vec<String> {
    let relations = data.relations.iter().map(|relation| &relation.schema);
    let types = data.types.iter().map(|of| &of.schema);
    let functions = data.functions.iter().map(|function| &function.schema);
    let operators = data.operators.iter().map(|operator| &operator.schema);
    let collations = data.collations.iter().map(|collation| &collation.schema);
    let mut schemas = relations
        .chain(types)
        .chain(functions)
        .chain(operators)
        .chain(collations)
        .cloned()
        .collect::<Vec<_>>();
    schemas.sort();
    schemas.dedup();
    schemas
}

/// What the twin's own role makes, without rights outside of it.
pub fn objects(data: &TwinData) -> Vec<Make> {
    let tables = || data.relations.iter().filter(|relation| relation.kind != "v");
    let views = data.relations.iter().filter(|relation| relation.kind == "v");
    let mut made = Vec::new();
    made.extend(data.collations.iter().map(collation));
    made.extend(data.types.iter().map(user_type));
    made.extend(tables().filter_map(table));
    made.extend(data.functions.iter().filter_map(function));
    made.extend(data.operators.iter().map(operator));
    made.extend(tables().flat_map(attach));
    made.extend(views.map(view));
    made
}

/// What comes once the tables are there and empty.
pub fn indexes_and_constraints(data: &TwinData) -> Vec<Make> {
    let mut made = Vec::new();
    made.extend(data.indexes.iter().map(index));
    made.extend(data.indexes.iter().filter_map(attach_index));
    made.extend(data.foreign_keys.iter().map(foreign_key));
    let statistics = data.extended_statistics.iter();
    made.extend(statistics.map(|statistics| {
        make(qualified(&statistics.schema, &statistics.name), statistics.definition.clone())
    }));
    made
}

fn collation(collation: &TwinCollation) -> Make {
    let name = qualified(&collation.schema, &collation.name);
    let provider = match collation.provider.as_str() {
        "i" => "icu",
        "b" => "builtin",
        _ => "libc",
    };
    let locale = collation.locale.as_deref().unwrap_or("C");
    let deterministic = match collation.is_deterministic {
        true => "",
        false => ", deterministic = false",
    };
    let sql = format!(
        "CREATE COLLATION {name} (provider = {provider}, locale = {}{deterministic})",
        quote_literal(locale)
    );
    make(name, sql)
}

fn user_type(of: &UserType) -> Make {
    let name = qualified(&of.schema, &of.name);
    let base = of.base.as_deref().unwrap_or("text");
    let sql = match of.kind.as_str() {
        "e" => {
            let labels = of.labels.iter().map(|label| quote_literal(label)).collect::<Vec<_>>();
            format!("CREATE TYPE {name} AS ENUM ({})", labels.join(", "))
        }
        "r" => format!("CREATE TYPE {name} AS RANGE (SUBTYPE = {base})"),
        _ => {
            let not_null = if of.is_not_null { " NOT NULL" } else { "" };
            let checks = of.checks.iter().map(constraint).collect::<String>();
            format!("CREATE DOMAIN {name} AS {base}{not_null}{checks}")
        }
    };
    make(name, sql)
}

fn constraint(TwinCheck { name, definition }: &TwinCheck) -> String {
    format!(" CONSTRAINT {} {definition}", quote_ident(name))
}

/// Partitions are made like other tables and attached, so that the order of their columns stays.
fn table(relation: &TwinRelation) -> Option<Make> {
    let name = qualified(&relation.schema, &relation.name);
    let columns = relation.columns.iter().map(column);
    let object = name.clone();
    if relation.kind == "c" {
        let attributes = columns.collect::<Vec<_>>().join(", ");
        return Some(make(object, format!("CREATE TYPE {name} AS ({attributes})")));
    }
    if !relation.is_table() {
        return None;
    }
    let checks = relation.checks.iter().map(|check| constraint(check).trim_start().to_owned());
    let body = columns.chain(checks).collect::<Vec<_>>().join(", ");
    let unlogged = if relation.is_unlogged { "UNLOGGED " } else { "" };
    let partitioned = match &relation.partition_key {
        Some(key) => format!(" PARTITION BY {key}"),
        None => String::new(),
    };
    let sql = format!("CREATE {unlogged}TABLE {name} ({body}){partitioned}{}", with(relation));
    Some(make(object, sql))
}

/// `name=value`, as pg_class keeps it.
fn with(relation: &TwinRelation) -> String {
    let options = relation
        .options
        .iter()
        .filter_map(|option| {
            let (name, value) = option.split_once('=')?;
            Some(format!("{} = {}", quote_ident(name), quote_literal(value)))
        })
        .collect::<Vec<_>>();
    match options.is_empty() || relation.kind == "p" {
        true => String::new(),
        false => format!(" WITH ({})", options.join(", ")),
    }
}

fn column(column: &TwinColumn) -> String {
    let mut sql = format!("{} {}", quote_ident(&column.name), column.of);
    if let (Some(schema), Some(collation)) = (&column.collation_schema, &column.collation) {
        sql.push_str(&format!(" COLLATE {}", qualified(schema, collation)));
    }
    if let Some(expression) = &column.expression {
        let how = if column.generated == "v" { "VIRTUAL" } else { "STORED" };
        sql.push_str(&format!(" GENERATED ALWAYS AS ({expression}) {how}"));
    }
    if column.is_not_null {
        sql.push_str(" NOT NULL");
    }
    sql
}

fn attach(relation: &TwinRelation) -> Vec<Make> {
    let name = qualified(&relation.schema, &relation.name);
    let parents = relation.parents.iter().map(|parent| {
        let parent = qualified(&parent.schema, &parent.name);
        match &relation.partition_bound {
            Some(bound) => make(
                name.clone(),
                format!("ALTER TABLE ONLY {parent} ATTACH PARTITION {name} {bound}"),
            ),
            None => make(name.clone(), format!("ALTER TABLE {name} INHERIT {parent}")),
        }
    });
    parents.collect()
}

fn view(relation: &TwinRelation) -> Make {
    let name = qualified(&relation.schema, &relation.name);
    let columns = relation
        .columns
        .iter()
        .map(|column| quote_ident(&column.name))
        .collect::<Vec<_>>()
        .join(", ");
    let text = relation.view.as_deref().unwrap_or_default();
    let sql = format!("CREATE VIEW {name} ({columns}){} AS {text}", with(relation));
    make(name, sql)
}

fn function(function: &Function) -> Option<Make> {
    let definition = function.definition.clone()?;
    Some(make(format!("function {}", function.name), definition))
}

fn operator(operator: &Operator) -> Make {
    let name = format!("{}.{}", quote_ident(&operator.schema), operator.name);
    let mut parts = vec![
        format!("FUNCTION = {}", qualified(&operator.function_schema, &operator.function)),
        format!("RIGHTARG = {}", operator.right),
    ];
    let more = [
        ("LEFTARG", &operator.left),
        ("RESTRICT", &operator.restrict),
        ("JOIN", &operator.join),
    ]
    .into_iter()
    .filter_map(|(word, value)| Some((word, value.as_ref()?)));
    parts.extend(more.map(|(word, value)| format!("{word} = {value}")));
    make(
        format!("operator {name}"),
        format!("CREATE OPERATOR {name} ({})", parts.join(", ")),
    )
}

fn index(index: &TwinIndex) -> Make {
    let name = qualified(&index.schema, &index.name);
    let sql = match (&index.constraint, &index.constraint_definition) {
        (Some(constraint), Some(definition)) => format!(
            "ALTER TABLE ONLY {} ADD CONSTRAINT {} {definition}",
            qualified(&index.schema, &index.table),
            quote_ident(constraint)
        ),
        _ => index.definition.clone(),
    };
    make(name, sql)
}

fn attach_index(index: &TwinIndex) -> Option<Make> {
    let (schema, parent) = (index.parent_schema.as_ref()?, index.parent.as_ref()?);
    let name = qualified(&index.schema, &index.name);
    let sql = format!("ALTER INDEX {} ATTACH PARTITION {name}", qualified(schema, parent));
    Some(make(name, sql))
}

fn foreign_key(key: &TwinForeignKey) -> Make {
    let table = qualified(&key.schema, &key.table);
    let name = quote_ident(&key.name);
    let sql = format!("ALTER TABLE {table} ADD CONSTRAINT {name} {}", key.definition);
    make(format!("{table}: foreign key {name}"), sql)
}
