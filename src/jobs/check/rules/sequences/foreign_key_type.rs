use crate::facts::health::{ForeignKey, Health, Sequences};
use crate::findings::{Finding, Rule, Severity};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::FOREIGN_KEY_TYPE;

/// From here on the narrower one is worth widening soon.
const USED: f64 = 0.1;

pub fn judge(health: &Health) -> Judged {
    let sequences = health.sequences.known();
    let keys = health
        .foreign_keys
        .seen()?
        .iter()
        .filter(|key| key.types != key.referenced_types);
    Ok(keys.map(|key| finding(key, sequences)).collect::<Found>())
}

fn finding(key: &ForeignKey, sequences: Option<&Sequences>) -> Finding {
    let ForeignKey {
        object,
        table_object,
        referenced_object,
        types,
        referenced_types,
        ..
    } = key;
    let message = format!(
        "it is of type {types}, and the column of {referenced_object} of type {referenced_types}"
    );
    let greatest =
        greatest(types).filter(|own| greatest(referenced_types).is_some_and(|other| *own < other));
    let (severity, help) = match greatest {
        Some(greatest) => (
            urgency(key, greatest, sequences),
            "it runs out before the key that it refers to",
        ),
        None => (
            Severity::Info,
            "each check converts one into the other, and some joins cannot use an index",
        ),
    };
    Finding::new(&RULE, None, message)
        .about(object)
        .severity(severity)
        .help(format!("{help}: give {table_object} ({}) the same type", key.column_names,))
}

/// What the referenced table counts by is far from it, or not: where that is not known, it may be near.
fn urgency(key: &ForeignKey, greatest: f64, sequences: Option<&Sequences>) -> Severity {
    let at = sequences.and_then(|sequences| counted_to(key, sequences));
    match at {
        Some(at) if at as f64 / greatest < USED => Severity::Info,
        _ => Severity::Warning,
    }
}

/// `None` where no sequence counts the table's rows, or its value is not to be seen.
fn counted_to(key: &ForeignKey, sequences: &Sequences) -> Option<i64> {
    let column = format!("{}.", key.referenced_object);
    let own = sequences.all.iter().filter(|sequence| {
        let owner = sequence.column_object.as_deref();
        owner.is_some_and(|owner| owner.starts_with(&column))
    });
    let values = own.map(|sequence| match sequences.values.get(&sequence.oid) {
        None if sequences.hidden.is_some() => None,
        value => Some(value.copied().unwrap_or(0)),
    });
    values.collect::<Option<Vec<_>>>()?.into_iter().max()
}

/// Of an integer type.
fn greatest(data_type: &str) -> Option<f64> {
    match data_type {
        "smallint" => Some(i16::MAX.into()),
        "integer" => Some(i32::MAX.into()),
        "bigint" => Some(i64::MAX as f64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Unavailable;
    use crate::facts::health::SequenceColumn;

    #[test]
    fn the_narrower_one_runs_out_first() {
        let of = |types: &str, referenced: &str| {
            let key = ForeignKey {
                types: types.to_owned(),
                referenced_types: referenced.to_owned(),
                ..ForeignKey::default()
            };
            finding(&key, None).severity
        };
        assert_eq!(of("integer", "bigint"), Severity::Warning);
        assert_eq!(of("bigint", "integer"), Severity::Info);
        assert_eq!(of("text", "character varying"), Severity::Info);
    }

    #[test]
    fn what_has_just_begun_does_not_run_out() {
        let key = ForeignKey {
            referenced_object: "public.p".to_owned(),
            types: "integer".to_owned(),
            referenced_types: "bigint".to_owned(),
            ..ForeignKey::default()
        };
        let of = |values: &[(u32, i64)], hidden: Option<Unavailable>| {
            let sequence = SequenceColumn {
                oid: 7,
                column_object: Some("public.p.id".to_owned()),
                ..SequenceColumn::default()
            };
            let values = values.iter().copied().collect();
            finding(&key, Some(&Sequences { all: vec![sequence], values, hidden })).severity
        };
        assert_eq!(of(&[(7, 1_000)], None), Severity::Info);
        assert_eq!(of(&[(7, 900_000_000)], None), Severity::Warning);
        assert_eq!(of(&[], None), Severity::Info, "it was never used");
        let hidden = Unavailable::because("it is a test");
        assert_eq!(of(&[], Some(hidden)), Severity::Warning);
    }
}
