//! The rules of ours that look at the text alone; the others are tested on servers.

use std::time::Duration;

use super::*;
use crate::declared::migrations::{Script, Wrapping};
use crate::jobs::verify::plan::parsed::ParsedScript;

const VERSION: ServerVersion = ServerVersion(180_000);

fn script(at: usize, text: &str, wrapping: Wrapping) -> Script {
    Script::new(format!("{at}.sql"), 1, text.to_owned(), wrapping)
}

fn migrations(texts: &[&str], wrapping: Wrapping) -> Vec<Migration> {
    let numbered = (1..).zip(texts);
    let migration = |(at, text): (usize, &&str)| Migration {
        name: at.to_string(),
        up: script(at, text, wrapping),
        down: None,
    };
    numbered.map(migration).collect()
}

fn all_applied(migrations: &[Migration]) -> Applied {
    Applied {
        migrations: migrations.len(),
        refused: None,
        took: Duration::ZERO,
        observed: Observed::default(),
    }
}

/// The findings of rules of ours in the files `1.sql` and so on: `rule file:line`.
fn found_as(texts: &[&str], wrapping: Wrapping) -> Vec<String> {
    let migrations = migrations(texts, wrapping);
    let applied = all_applied(&migrations);
    shown(check(&migrations, &applied, VERSION).findings)
}

fn shown(findings: Vec<Finding>) -> Vec<String> {
    let ours = findings.into_iter().filter(|finding| !Rule::is_squawks(&finding.rule));
    let shown = ours.map(|finding| {
        let place = finding.place.unwrap();
        format!("{} {}", finding.rule, place.at)
    });
    shown.collect()
}

fn nothing() -> Vec<String> {
    Vec::new()
}

const BUILD: &str = "CREATE INDEX CONCURRENTLY i ON t (a);";

#[test]
fn a_concurrent_statement_in_a_message_with_others_is_found() {
    let with_another = format!("SELECT 1;\n{BUILD}");
    let wanted = ["concurrent-in-one-message 1.sql:2"];
    assert_eq!(found_as(&[&with_another], Wrapping::OneMessage), wanted);
    // Each of two, and COMMIT does not help.
    assert_eq!(found_as(&[&format!("{BUILD}\n{BUILD}")], Wrapping::OneMessage).len(), 2);
    assert_eq!(found_as(&[&format!("COMMIT;\n{BUILD}")], Wrapping::OneMessage), wanted);
    // squawk would say the same once more.
    let migrations = migrations(&[&with_another], Wrapping::OneMessage);
    let all = check(&migrations, &all_applied(&migrations), VERSION).findings;
    let squawks = "ban-concurrent-index-creation-in-transaction";
    assert!(all.iter().all(|finding| finding.rule != squawks), "{all:?}");

    assert_eq!(found_as(&[BUILD], Wrapping::OneMessage), nothing());
    assert_eq!(found_as(&[&format!("{BUILD};;\n-- end\n")], Wrapping::OneMessage), nothing());
    assert_eq!(found_as(&[&with_another], Wrapping::None), nothing());
    let refresh = "SELECT 1; REFRESH MATERIALIZED VIEW CONCURRENTLY v;";
    assert_eq!(found_as(&[refresh], Wrapping::OneMessage), nothing());
}

#[test]
fn no_rule_asks_for_what_another_forbids() {
    let asks = |text: &str| {
        let migrations = migrations(&[text], Wrapping::None);
        let all = check(&migrations, &all_applied(&migrations), VERSION).findings;
        all.iter().any(|finding| finding.rule == "require-lock-timeout")
    };
    assert!(asks("ALTER TABLE t ADD COLUMN a int;"));
    assert!(!asks(BUILD));
}

/// Neither what is found nor how long it takes grows with the square of the line.
#[test]
fn of_a_long_line_only_a_part_is_shown() {
    let text = (0..3000)
        .map(|number| format!("CREATE TABLE t{number} (a int);"))
        .collect::<String>();
    let script = script(1, &text, Wrapping::Transaction);
    let parsed = ParsedScript::new(&script).unwrap();
    let places = parsed.statements.iter().map(|statement| parsed.place_of(statement));
    let places = places.collect::<Vec<_>>();
    assert_eq!(places.len(), 3000);
    assert!(places.iter().all(|place| place.text.len() < 1000));
    let last = places.last().unwrap();
    let shown = last.text.chars().skip(last.before()).collect::<String>();
    assert_eq!(shown, "CREATE TABLE t2999 (a int);");
    assert_eq!(usize::try_from(last.at.column).unwrap(), text.len() - shown.len() + 1);
}
