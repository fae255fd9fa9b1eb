//! What is suppressed by whom, and what is wrong with it.

use std::path::Path;

use glob::Pattern;

use super::comments;
use super::lint;
use crate::config;
use crate::declared::Source;
use crate::declared::migrations::{Migration, Script, Wrapping};
use crate::findings::{Finding, IgnoreUse, Ignores, Place, Rule, Severity};

fn script(text: &str) -> Script {
    Script::new("m/a.sql", 1, text.to_owned(), Wrapping::Transaction)
}

fn migration(text: &str) -> Migration {
    Migration { name: "a".to_owned(), up: script(text), down: None }
}

fn ignores(text: &str) -> Ignores {
    Ignores::new(&comments::of(&[migration(text)]), &[])
}

fn finding(rule: &str, place: Option<(u32, u32)>) -> Finding {
    let place = place.map(|(line, column)| Place {
        at: Source { file: Path::new("m/a.sql").into(), line, column },
        text: String::new(),
        from: 1,
    });
    let (rule, message) = (rule.to_owned(), String::new());
    let finding = Finding::new(&Rule::NOT_APPLIED, place, message);
    Finding { rule, severity: Severity::Error, ..finding }
}

/// The lines in which findings of the rule are suppressed, each looked at in its third column.
fn suppressed(text: &str, rule: &str) -> Vec<u32> {
    let mut ignores = ignores(text);
    let lines = 1..=u32::try_from(text.lines().count()).unwrap();
    lines
        .filter(|line| ignores.sift(vec![finding(rule, Some((*line, 3)))]).1 == 1)
        .collect()
}

fn wrong(ignores: &Ignores, looked: IgnoreUse) -> Vec<String> {
    let findings = ignores.judge(looked, lint::judges).into_iter();
    let shown = findings.map(|finding| {
        let line = finding.place.map_or(0, |place| place.at.line);
        format!("{}:{line}: {}", finding.rule, finding.message)
    });
    shown.collect()
}

const RULE: &str = "ban-drop-column";

#[test]
fn a_comment_holds_for_the_statement_that_it_belongs_to() {
    let note = "-- pgtend-ignore ban-drop-column: old";
    for (text, lines) in [
        // Before it.
        (format!("SELECT 1;\n{note}\nSELECT\n  2,\n  3;\nSELECT 4;"), vec![3, 4, 5]),
        (format!("SELECT 1;\n\n{note}\n-- and\n/* more\n of it */\nSELECT 2;"), vec![7]),
        (format!("{note}\nSELECT 1; SELECT 2;\nSELECT 3;"), vec![2]),
        // In it, and behind it.
        (format!("SELECT 1;\nSELECT {note}\n  2;\nSELECT 3;"), vec![2, 3]),
        (format!("SELECT 1;\nSELECT\n  {note}\n  2;\nSELECT 3;"), vec![2, 3, 4]),
        (format!("SELECT 1;\nSELECT\n  2; {note}\nSELECT 3;"), vec![2, 3]),
        (format!("SELECT 1;\n;;{note}\nSELECT 3;"), vec![3]),
        // Somewhere else.
        (format!("SELECT 1;\n{note}\n\nSELECT 2;"), vec![]),
        (format!("SELECT 1;\n{note}\n-- and\n\n-- more\nSELECT 2;"), vec![]),
        (format!("SELECT 1;\n{note}\n"), vec![]),
        (format!("SELECT '\n{note}\n';"), vec![]),
    ] {
        assert_eq!(suppressed(&text, RULE), lines, "{text}");
        assert_eq!(suppressed(&text, "ban-drop-table"), [] as [u32; 0], "{text}");
    }
}

#[test]
fn a_place_counts_from_the_statements_first_character_to_its_last() {
    let mut ignores =
        ignores("SELECT 1; /* pgtend-ignore ban-drop-column: a */ SELECT 2; SELECT 3;");
    let at = |column| finding(RULE, Some((1, column)));
    let (left, number) = ignores.sift(vec![at(1), at(10), at(49), at(60), finding(RULE, None)]);
    assert_eq!((left, number), (vec![at(49), at(60), finding(RULE, None)], 2));
}

#[test]
fn a_comment_may_hold_for_its_file() {
    let text = "SELECT 1;\n\n-- pgtend-ignore-file ban-drop-column, name-collision: old\n";
    assert_eq!(suppressed(text, RULE), [1, 2, 3]);
    assert_eq!(suppressed(text, "name-collision"), [1, 2, 3]);
    let mut elsewhere = finding(RULE, Some((1, 1)));
    elsewhere.place.as_mut().unwrap().at.file = Path::new("m/b.sql").into();
    assert_eq!(ignores(text).sift(vec![elsewhere]).1, 0);
}

#[test]
fn all_names_of_a_rule_of_squawk_are_its_own() {
    let text = "SELECT 1; -- pgtend-ignore require-timeout-settings, prefer-timestamptz: no";
    for rule in ["require-lock-timeout", "require-statement-timeout", "prefer-timestamp-tz"] {
        assert_eq!(suppressed(text, rule), [1], "{rule}");
    }
}

#[test]
fn a_comment_that_does_not_do_is_found() {
    let said = |text: &str| wrong(&ignores(text), IgnoreUse::SomeFiles);
    let text = "-- pgtend-ignore ban-drop-column\nSELECT 1;";
    let wanted = [
        "ignore-without-reason:1: the comment does not say why",
        "unused-ignore:1: there is no finding of ban-drop-column to suppress",
    ];
    assert_eq!(said(text), wanted);
    // And yet it holds.
    assert_eq!(suppressed(text, RULE), [2]);

    let text = "SELECT 1;\n -- pgtend-ignore ban-drop-colum, in-transaction: no\n";
    let wanted = [
        "unknown-ignore:2: there is no rule ban-drop-colum",
        "unused-ignore:2: in-transaction cannot be suppressed",
    ];
    assert_eq!(said(text), wanted);
    assert_eq!(suppressed(text, "in-transaction"), [] as [u32; 0]);

    let wanted = ["unknown-ignore:1: the comment names no rule"];
    assert_eq!(said("-- pgtend-ignore: all of them\nSELECT 1;"), wanted);
    let wanted = ["unused-ignore:1: ban-drop-column is suppressed for no statement"];
    assert_eq!(said("-- pgtend-ignore ban-drop-column: a\n\nSELECT 1;"), wanted);
    assert_eq!(said("-- pgtend-ignore ban-drop-column\nCREATE TABEL"), [] as [&str; 0]);
}

#[test]
fn what_was_not_looked_for_is_not_unused() {
    let text = "SELECT 1; -- pgtend-ignore ban-drop-column, name-collision, invalid-index: a";
    let mut ignores = ignores(text);
    assert_eq!(wrong(&ignores, IgnoreUse::Everything).len(), 3);
    assert_eq!(wrong(&ignores, IgnoreUse::Files).len(), 2);
    ignores.sift(vec![finding(RULE, Some((1, 1)))]);
    let wanted = ["unused-ignore:1: there is no finding of name-collision to suppress"];
    assert_eq!(wrong(&ignores, IgnoreUse::SomeFiles), wanted);

    let down = Some(script("SELECT 1; -- pgtend-ignore ban-drop-column, nonsense: a"));
    let ignores = Ignores::new(&comments::of(&[Migration { down, ..migration("") }]), &[]);
    assert_eq!(
        wrong(&ignores, IgnoreUse::Everything),
        ["unknown-ignore:1: there is no rule nonsense"]
    );
}

fn entry(rule: &str, paths: &[&str]) -> config::IgnoreConfig {
    let paths = paths.iter().map(|path| Pattern::new(path).unwrap()).collect();
    config::IgnoreConfig { rule: rule.to_owned(), paths, reason: "old".to_owned() }
}

#[test]
fn an_entry_holds_for_the_files_that_match() {
    let file = "/home/ci/m/2024/a.sql";
    for (paths, holds) in [
        (&["*.sql"][..], true),
        (&["2024/*.sql"], true),
        (&["m/**/*.sql"], true),
        (&["/home/ci/m/2024/a.sql"], true),
        (&["b.sql", "a.sql"], true),
        (&["m/*.sql"], false),
        (&["024/a.sql"], false),
        (&["m"], false),
        (&[], true),
    ] {
        let mut ignores = Ignores::new(&[], &[entry(RULE, paths)]);
        let mut one = finding(RULE, Some((1, 1)));
        one.place.as_mut().unwrap().at.file = Path::new(file).into();
        assert_eq!(ignores.sift(vec![one]).1 == 1, holds, "{paths:?}");
        let nowhere = ignores.sift(vec![finding(RULE, None)]).1 == 1;
        assert_eq!(nowhere, paths.is_empty(), "{paths:?}");
    }
}

#[test]
fn an_entry_that_does_not_do_is_found() {
    let entries = [
        entry("nonsense", &["a.sql", "b.sql"]),
        entry("syntax", &[]),
        entry(RULE, &["a.sql"]),
        entry("name-collision", &[]),
    ];
    let ignores = Ignores::new(&[], &entries);
    let wanted = [
        "unknown-ignore:0: there is no rule nonsense (the entry of [[verify.ignore]] for a.sql, b.sql)",
        "unused-ignore:0: syntax cannot be suppressed (an entry of [[verify.ignore]] for all paths)",
        "unused-ignore:0: there is no finding of ban-drop-column to suppress (the entry of \
         [[verify.ignore]] for a.sql)",
        "unused-ignore:0: there is no finding of name-collision to suppress (an entry of \
         [[verify.ignore]] for all paths)",
    ];
    assert_eq!(wrong(&ignores, IgnoreUse::Files), wanted);
    // It may have been for the file that nobody could read.
    assert_eq!(wrong(&ignores, IgnoreUse::SomeFiles), wanted[..2]);
}
