//! The statements that declare what is there, as a person would write them.

use crate::facts::definition::{Parts, enclosed, split};
use crate::facts::inventory::{InventoryTable, ViewText};
use crate::facts::{Index, RelationKind};
use crate::pg::name::{RelationName, quote_ident, quote_literal};

/// A statement that is longer stands on several lines.
const LONGEST_LINE: usize = 100;

/// CREATE INDEX; `None` where the server's own print of it is not understood.
pub fn create_index(index: &Index, table: &InventoryTable) -> Option<String> {
    let parts = Parts::of(&index.shape.definition)?;
    let unique = if index.shape.unique { "UNIQUE " } else { "" };
    // PostgreSQL does not build that of a partitioned table concurrently; pgtend does it part by part.
    let concurrently = match table.kind {
        RelationKind::PartitionedTable => "",
        _ => "CONCURRENTLY ",
    };
    let head = parts.head.strip_prefix("USING btree ").unwrap_or(parts.head);
    let mut lines = vec![
        format!("CREATE {unique}INDEX {concurrently}{}", quote_ident(&index.name.name)),
        format!("ON {} {}", table.name, head.trim_end()),
    ];
    lines.extend(with(&parameters(&index.shape.options)));
    lines.extend(tablespace(index.belongings.tablespace.as_deref()));
    if let Some(predicate) = parts.predicate.strip_prefix(" WHERE ") {
        lines.push(format!("WHERE {}", enclosed(predicate).unwrap_or(predicate)));
    }
    let length = lines.iter().map(|line| line.chars().count() + 1).sum::<usize>();
    Some(lines.join(if length > LONGEST_LINE { "\n    " } else { " " }))
}

/// CREATE MATERIALIZED VIEW.
pub fn create_view(name: &RelationName, text: &ViewText, is_populated: bool) -> String {
    let mut lines = vec![format!("CREATE MATERIALIZED VIEW {name}")];
    lines.extend(text.method.as_ref().map(|method| format!("USING {}", quote_ident(method))));
    let parameters = text
        .options
        .iter()
        .filter_map(|option| option.split_once('='))
        .map(|(name, value)| parameter(&quote_ident(name), value));
    lines.extend(with(&parameters.collect::<Vec<_>>()));
    lines.extend(tablespace(text.tablespace.as_deref()));
    lines.push("AS".to_owned());
    lines.push(text.query.trim().trim_end_matches(';').to_owned());
    if !is_populated {
        lines.push("WITH NO DATA".to_owned());
    }
    lines.join("\n").replacen("\nAS\n", " AS\n", 1)
}

pub fn comment(kind: &str, name: &RelationName, text: &str) -> String {
    format!("COMMENT ON {kind} {name} IS {}", quote_literal(text))
}

fn tablespace(name: Option<&str>) -> Option<String> {
    name.map(|name| format!("TABLESPACE {}", quote_ident(name)))
}

fn with(parameters: &[String]) -> Option<String> {
    (!parameters.is_empty()).then(|| format!("WITH ({})", parameters.join(", ")))
}

/// The storage parameters of a clause as the server's definitions have it.
fn parameters(clause: &str) -> Vec<String> {
    let inner = clause.strip_prefix(" WITH (").and_then(|rest| rest.strip_suffix(')'));
    let items = inner.map_or_else(Vec::new, split);
    let written = items.into_iter().map(|item| match item.split_once('=') {
        Some((name, value)) => {
            let plain = value.strip_prefix('\'').and_then(|it| it.strip_suffix('\''));
            parameter(
                name,
                plain.map_or_else(|| value.to_owned(), |it| it.replace("''", "'")).as_str(),
            )
        }
        None => item.to_owned(),
    });
    written.collect()
}

fn parameter(name: &str, value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    match !value.is_empty() && value.chars().all(is_plain) {
        true => format!("{name} = {value}"),
        false => format!("{name} = {}", quote_literal(value)),
    }
}
