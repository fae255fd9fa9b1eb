use super::tables_with;
use crate::facts::health::Health;
use crate::findings::Rule;
use crate::jobs::check::rules::Judged;

pub const RULE: Rule = Rule::SERIAL_COLUMN;

pub fn judge(health: &Health) -> Judged {
    let help = "identity columns own their sequence, and need no privileges of their own";
    tables_with(health, &RULE, "serial", "columns that count as serial", help)
}
