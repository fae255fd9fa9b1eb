use super::tables_with;
use crate::facts::health::Health;
use crate::findings::Rule;
use crate::jobs::check::rules::Judged;

pub const RULE: Rule = Rule::JSON_COLUMN;

pub fn judge(health: &Health) -> Judged {
    let help =
        "they have no equality, so DISTINCT and GROUP BY fail; jsonb has, and can be indexed";
    tables_with(health, &RULE, "json", "columns of type json", help)
}
