//! The description of the documents, made of the lists themselves so that it cannot differ from them.

use serde_json::{Map, Value, json};

use super::list::{Field, Shape, Show};
use super::listing::PAGES;
use super::pages::overview;
use super::query::LIMIT;
use super::rows::statements::STATEMENTS;

/// OpenAPI 3.1, whose schemas are those of JSON Schema 2020-12.
pub fn document(prefix: &str) -> Value {
    let mut paths = Map::new();
    paths.insert("/index.json".to_owned(), listed(&overview::SHAPE, &[]));
    let target = json!({
        "name": "target", "in": "path", "required": true, "schema": {"type": "string"},
        "description": "the target's name; / is written ~",
    });
    for page in &PAGES {
        let name = page.shape.name;
        let operation = listed(page.shape, std::slice::from_ref(&target));
        paths.insert(format!("/t/{{target}}/{name}.json"), operation);
    }
    let number = json!({
        "name": "queryid", "in": "path", "required": true, "schema": {"type": "string"},
    });
    paths.insert(
        "/t/{target}/statements/{queryid}.json".to_owned(),
        operation("one statement", &[target, number], &one(&STATEMENTS)),
    );
    json!({
        "openapi": "3.1.0",
        "info": {"title": "pgtend serve", "version": "1", "description": "What is not known is absent; no member is null."},
        "servers": [{"url": if prefix.is_empty() { "/" } else { prefix }}],
        "paths": paths,
    })
}

fn listed(shape: &Shape, path: &[Value]) -> Value {
    let parameter = |name: &str, schema: Value, description: &str| json!({"name": name, "in": "query", "schema": schema, "description": description});
    let own = [
        parameter("page", json!({"type": "integer", "minimum": 1, "default": 1}), "which part"),
        parameter(
            "limit",
            json!({"type": "integer", "minimum": 1, "maximum": 100, "default": LIMIT}),
            "rows of a part",
        ),
        parameter(
            "sortBy",
            json!({"enum": shape.keys(), "default": shape.sort_by}),
            "the key to sort by; what is not known comes last",
        ),
        parameter("sortOrder", json!({"enum": ["asc", "desc"]}), "in which order"),
        parameter("name", json!({"type": "string"}), "only rows whose name contains this"),
        parameter("schema", json!({"type": "string"}), "only rows of this schema"),
    ];
    operation(shape.title, &[path, &own].concat(), &list(shape))
}

fn operation(summary: &str, parameters: &[Value], schema: &Value) -> Value {
    let content = |schema: &Value| json!({"application/json": {"schema": schema}});
    json!({"get": {
        "summary": summary,
        "parameters": parameters,
        "responses": {
            "200": {"description": summary, "content": content(schema)},
            "304": {"description": "not changed"},
            "default": {"description": "not possible", "content": content(&error())},
        },
    }})
}

fn list(shape: &Shape) -> Value {
    let whole = json!({"type": "integer", "minimum": 0});
    let mut schema = one(shape);
    schema["required"] = json!(["data", "pagination"]);
    schema["properties"]["pagination"] = json!({
        "type": "object",
        "required": ["page", "limit", "total", "pages", "hasNext", "hasPrev"],
        "additionalProperties": false,
        "properties": {
            "page": whole, "limit": whole, "total": whole, "pages": whole,
            "hasNext": {"type": "boolean"}, "hasPrev": {"type": "boolean"},
        },
    });
    schema
}

/// Rows and what stands before them.
fn one(shape: &Shape) -> Value {
    let texts = json!({"type": "array", "items": {"type": "string"}});
    let properties = shape.fields.iter().map(|field| (field.key.to_owned(), kind(field)));
    json!({
        "type": "object",
        "required": ["data"],
        "additionalProperties": false,
        "properties": {
            "target": {"type": "string"},
            "database": {"type": "string"},
            "server_version": {"type": "string"},
            "as_of": {"type": "string"},
            "unknown": texts,
            "warnings": texts,
            "glance": {"type": "object"},
            "progress": {"type": "array", "items": {"type": "object"}},
            "totals": {"type": "object"},
            "data": {
                "type": "array",
                "items": {"type": "object", "properties": properties.collect::<Map<_, _>>()},
            },
        },
    })
}

fn kind(field: &Field) -> Value {
    match field.show {
        Show::Text | Show::Code | Show::Word => json!({"type": "string"}),
        Show::Id | Show::Whole | Show::Bytes => json!({"type": "integer"}),
        Show::Millis | Show::Seconds | Show::Share | Show::Number => json!({"type": "number"}),
        Show::YesNo => json!({"type": "boolean"}),
    }
}

fn error() -> Value {
    json!({
        "type": "object",
        "required": ["error"],
        "properties": {"error": {
            "type": "object",
            "required": ["status", "message"],
            "properties": {"status": {"type": "integer"}, "message": {"type": "string"}},
        }},
    })
}
