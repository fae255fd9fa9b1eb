use super::tables_with;
use crate::facts::health::Health;
use crate::findings::Rule;
use crate::jobs::check::rules::Judged;

pub const RULE: Rule = Rule::TIMESTAMP_WITHOUT_ZONE;

pub fn judge(health: &Health) -> Judged {
    let help = "they mean another moment in each time zone; timestamptz takes the same room";
    tables_with(health, &RULE, "timestamp", "columns of type timestamp without time zone", help)
}
