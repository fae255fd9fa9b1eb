use crate::facts::health::{ForeignKey, Health};
use crate::findings::{Finding, Rule, Severity};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::FOREIGN_KEY_TYPE;

pub fn judge(health: &Health) -> Judged {
    let keys = health.foreign_keys.seen()?.iter().filter(|key| key.types != key.referenced_types);
    Ok(keys.map(finding).collect::<Found>())
}

fn finding(key: &ForeignKey) -> Finding {
    let ForeignKey { object, table_object, referenced_object, types, referenced_types, .. } = key;
    let message = format!("it is of type {types}, and the column of {referenced_object} of type {referenced_types}");
    let is_narrower = integer_bytes(types) < integer_bytes(referenced_types) && integer_bytes(types) > 0;
    let (severity, help) = match is_narrower {
        true => (Severity::Warning, "it runs out before the key that it refers to"),
        false => (Severity::Info, "each check converts one into the other, and some joins cannot use an index"),
    };
    Finding::new(&RULE, None, message).about(object).severity(severity).help(format!(
        "{help}: give {table_object} ({}) the same type", key.column_names,
    ))
}

/// Bytes of an integer type; 0 for any other.
fn integer_bytes(data_type: &str) -> u8 {
    match data_type {
        "smallint" => 2,
        "integer" => 4,
        "bigint" => 8,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrower_one_runs_out_first() {
        let of = |types: &str, referenced: &str| {
            let key = ForeignKey {
                types: types.to_owned(),
                referenced_types: referenced.to_owned(),
                ..ForeignKey::default()
            };
            finding(&key).severity
        };
        assert_eq!(of("integer", "bigint"), Severity::Warning);
        assert_eq!(of("bigint", "integer"), Severity::Info);
        assert_eq!(of("text", "character varying"), Severity::Info);
    }
}
