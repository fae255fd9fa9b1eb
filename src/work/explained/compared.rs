//! What a plan compares and sorts by, in a form in which expressions can be found.

use serde_json::Value;

/// All conditions and sort keys of the plan, bare; what it only returns is left out.
pub fn compared(plan: &Value) -> String {
    let mut texts = String::new();
    collect(plan, &mut texts);
    bare(&texts)
}

fn collect(value: &Value, texts: &mut String) {
    match value {
        Value::String(text) => {
            texts.push_str(text);
            texts.push('\n');
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, texts)),
        Value::Object(keys) => {
            let looked_at = keys.iter().filter(|(key, _)| *key != "Output");
            looked_at.for_each(|(_, value)| collect(value, texts));
        }
        _ => {}
    }
}

/// The expression without white space, parentheses and the names of tables, which the server prints
/// in one place and not in another.
pub fn bare(text: &str) -> String {
    let mut bare = String::new();
    let mut word = String::new();
    for char in text.chars() {
        if char.is_alphanumeric() || char == '_' || char == '"' {
            word.push(char);
            continue;
        }
        // A number's point is dropped with what stands before it, in both texts alike.
        if char != '.' {
            bare.push_str(&word);
        }
        word.clear();
        if !char.is_whitespace() && !"().".contains(char) {
            bare.push(char);
        }
    }
    bare + &word
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_expression_is_found_however_the_server_prints_it() {
        let plan = json!([{ "Plan": {
            "Output": ["upper(c.email)"],
            "Filter": "((c.user_id = $1) AND (lower((c.email || 'x'::text)) = $2))",
            "Plans": [{ "Sort Key": ["c.\"Na me\""] }],
        }}]);
        let compared = compared(&plan);
        assert!(compared.contains(&bare("lower((email || 'x'::text))")), "{compared}");
        assert!(compared.contains(&bare("\"Na me\"")), "{compared}");
        assert!(!compared.contains(&bare("upper(email)")), "{compared}");
    }
}
