//! Concurrent statements in a file that is sent as one message together with others.

use super::concurrent::Concurrent;
use crate::declared::migrations::Wrapping;
use crate::findings::{Finding, Rule};
use crate::jobs::verify::plan::parsed::ParsedScript;

/// What the server makes one transaction of (PostgreSQL documentation, 55.2.2.1), although the tool
/// sends neither BEGIN nor COMMIT. COMMIT in the middle of a message does not help.
pub fn check(parsed: &ParsedScript<'_>) -> Vec<Finding> {
    if parsed.script.wrapping != Wrapping::OneMessage || !parsed.is_wrapped() {
        return Vec::new();
    }
    let concurrent = parsed.statements.iter().filter_map(|statement| {
        let words = Concurrent::of(statement)?.words();
        let message = format!("{words} is sent in one message with other statements");
        let place = Some(parsed.place_of(statement));
        Some(Finding::new(&Rule::CONCURRENT_IN_ONE_MESSAGE, place, message).help(
            "the server runs such a message in one transaction and refuses the statement there; \
             give it a migration file of its own, with nothing else in it",
        ))
    });
    concurrent.collect()
}
