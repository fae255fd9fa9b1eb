//! The published schema of the JSON documents. Readers pass over keys that they do not know; here an
//! unknown key fails, so that the schema names every key.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

static STRICT: LazyLock<Validator> = LazyLock::new(|| {
    let text = include_str!("../../../docs/schema/pgtend-1.schema.json");
    let mut schema = serde_json::from_str(text).unwrap();
    close(&mut schema);
    jsonschema::validator_for(&schema).unwrap()
});

/// Lets no other keys into objects whose keys are named.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(entries) => {
            let is_named = entries.get("properties").is_some_and(Value::is_object);
            if is_named && entries.contains_key("required") {
                entries.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            entries.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// What the schema objects to in a document.
pub fn objections(text: &str) -> Vec<String> {
    let document = serde_json::from_str(text);
    let document = document.unwrap_or_else(|error| panic!("{error}: {text:?}"));
    let errors = STRICT.iter_errors(&document);
    errors.map(|error| format!("{}: {error}", error.instance_path())).collect()
}
