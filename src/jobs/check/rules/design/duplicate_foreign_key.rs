use std::collections::HashMap;

use crate::facts::health::{ForeignKey, Health};
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::DUPLICATE_FOREIGN_KEY;

pub fn judge(health: &Health) -> Judged {
    let mut first = HashMap::new();
    let found = health.foreign_keys.seen()?.iter().filter_map(|key| {
        let same = (key.table_oid, &key.columns, key.referenced_oid, &key.referenced_columns);
        let other = first.insert(same, key)?;
        Some(finding(key, other))
    });
    Ok(found.collect::<Found>())
}

fn finding(key: &ForeignKey, other: &ForeignKey) -> Finding {
    let name = key.object.rsplit_once(" on ").map_or(key.object.as_str(), |(name, _)| name);
    Finding::new(&RULE, None, format!("it checks the same as {}", other.object))
        .about(&key.object)
        .help("each write is checked twice; where they differ in ON DELETE, both take place")
        .command(format!("ALTER TABLE {} DROP CONSTRAINT {name}", key.table_object))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;

    #[test]
    fn the_second_one_is_told() {
        let key = |object: &str, columns: &str| ForeignKey {
            object: object.to_owned(),
            table_object: "t".to_owned(),
            columns: columns.to_owned(),
            ..ForeignKey::default()
        };
        let keys = vec![key("a on t", "1"), key("\"b on\" on t", "1"), key("c on t", "2")];
        let health = Health { foreign_keys: Known::Known(keys), ..Health::default() };
        let found = judge(&health).unwrap().findings;
        let commands = found.iter().filter_map(|it| it.command.as_deref()).collect::<Vec<_>>();
        assert_eq!(commands, ["ALTER TABLE t DROP CONSTRAINT \"b on\""]);
    }
}
