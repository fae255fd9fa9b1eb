//! The rows of the lists, with the keys of the commands' documents.

pub mod relations;
pub mod replication;
pub mod settings;
pub mod statements;
pub mod work;

use std::sync::Arc;

use serde_json::{Map, Value};

use super::list::{Row, Rows};
use crate::findings::{Repository, ReviewDocument};
use crate::jobs::activity::report::{Look, document};
use crate::jobs::check::plan::Judgement;

/// Rows, or why there are none; and what they lack.
#[derive(Debug)]
pub struct Partly {
    pub rows: relations::Listed,
    pub gaps: Vec<String>,
}

/// What `check` found.
pub fn findings(judgement: &Judgement) -> Rows {
    let document = ReviewDocument::new(&judgement.review, &Repository::here(".".as_ref()));
    let document = serde_json::to_value(document).unwrap_or_default();
    let findings = document.get("findings").and_then(Value::as_array).cloned();
    let row = |finding: Value| {
        let values = members(finding);
        let id = text(&values, "fingerprint");
        Row { id, values: values.into() }
    };
    Arc::new(findings.unwrap_or_default().into_iter().map(row).collect())
}

/// What runs.
pub fn sessions(look: &Look) -> Rows {
    let rows = look.nodes.iter().enumerate().map(|(at, node)| {
        let mut values = members(document(node));
        values.insert("depth".to_owned(), node.depth.into());
        values.insert("place".to_owned(), at.into());
        Row { id: format!("{at:06}"), values: values.into() }
    });
    Arc::new(rows.collect())
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => {
            members.into_iter().filter(|(_, value)| !value.is_null()).collect()
        }
        _ => Map::new(),
    }
}

fn text(values: &Map<String, Value>, key: &str) -> String {
    values.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The schema of a name as the server quotes it, without quotes.
fn schema_of(object: &str) -> String {
    let Some(quoted) = object.strip_prefix('"') else {
        return object.split('.').next().unwrap_or_default().to_owned();
    };
    let mut schema = String::new();
    let mut rest = quoted.chars().peekable();
    while let Some(char) = rest.next() {
        match char {
            '"' if rest.peek() == Some(&'"') => {
                rest.next();
                schema.push('"');
            }
            '"' => break,
            other => schema.push(other),
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_what_stands_before_the_dot() {
        for (object, schema) in [
            ("public.orders", "public"),
            ("\"a.b\".c", "a.b"),
            ("\"we\"\"ird\".\"x.y\"", "we\"ird"),
        ] {
            assert_eq!(schema_of(object), schema);
        }
    }
}
