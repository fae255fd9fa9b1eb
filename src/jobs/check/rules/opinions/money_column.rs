use super::tables_with;
use crate::facts::health::Health;
use crate::findings::Rule;
use crate::jobs::check::rules::Judged;

pub const RULE: Rule = Rule::MONEY_COLUMN;

pub fn judge(health: &Health) -> Judged {
    let help = "what they mean depends on lc_monetary; numeric does not";
    tables_with(health, &RULE, "money", "columns of type money", help)
}
