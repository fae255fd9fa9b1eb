//! Places, and what findings make of a judgement.

use std::time::Duration;

use super::*;
use crate::declared::migrations::{MigrationStatement, Role, Script, Wrapping};
use crate::findings::{CheckVerdict, Finding, Place, Severity};

fn script(text: &str, first_line: u32) -> Script {
    Script::new("a.sql", first_line, text.to_owned(), Wrapping::Transaction)
}

fn seen(place: &Place) -> (u32, u32, &str) {
    (place.at.line, place.at.column, &place.text)
}

#[test]
fn places_are_those_of_the_file() {
    let script = script("SELECT 'ä',\n  'ö', x;\nSELECT y", 10);
    assert_eq!(seen(&Place::of_offset(&script, 0)), (10, 1, "SELECT 'ä',"));
    assert_eq!(seen(&Place::of_position(&script, 20)), (11, 8, "  'ö', x;"));
    assert_eq!(seen(&Place::of_position(&script, 1000)), (12, 9, "SELECT y"));
    // In the middle of a character.
    assert_eq!(seen(&Place::of_offset(&script, 9)), (10, 9, "SELECT 'ä',"));
    assert_eq!(seen(&Place::of_offset(&self::script("", 1), 5)), (1, 1, ""));
}

#[test]
fn a_position_within_a_statement_is_one_of_the_file() {
    let script = script("a; SELECT 1,\n x;\n", 5);
    let statement = MigrationStatement {
        text: "SELECT 1,\n x;".to_owned(),
        offset: 3,
        line: 5,
        column: 4,
        role: Role::Sets,
    };
    assert_eq!(seen(&Place::within(&script, &statement, None)), (5, 4, "a; SELECT 1,"));
    assert_eq!(seen(&Place::within(&script, &statement, Some(8))), (5, 11, "a; SELECT 1,"));
    assert_eq!(seen(&Place::within(&script, &statement, Some(12))), (6, 2, " x;"));
}

#[test]
fn what_fails_is_what_was_asked_for() {
    for (fails_on, verdict) in [
        (Severity::Error, CheckVerdict::Passed),
        (Severity::Warning, CheckVerdict::Failed),
    ] {
        let mut judgement = VerifyResults::new(fails_on);
        let warning = Finding::of("rule", Severity::Warning, None, "");
        judgement.add(CheckName::Lint, Duration::ZERO, vec![warning], "");
        assert_eq!(judgement.review.checks[0].verdict, verdict);
        assert_eq!(judgement.review.checks[0].reason.as_deref(), Some("1 warning"));
        assert_eq!(judgement.review.is_failed(), verdict == CheckVerdict::Failed);
    }
}
