use super::tables_with;
use crate::facts::health::Health;
use crate::findings::Rule;
use crate::jobs::check::rules::Judged;

pub const RULE: Rule = Rule::CHAR_COLUMN;

pub fn judge(health: &Health) -> Judged {
    let help = "they are filled up with blanks, which comparisons pass over; text is no slower";
    tables_with(health, &RULE, "char", "columns of type char(n)", help)
}
