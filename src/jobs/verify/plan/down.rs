//! What the way back leaves behind.

use std::collections::HashSet;

use super::Refused;
use crate::declared::migrations::{Layout, Migration, Script, statements};
use crate::facts::{Fingerprint, Thing};
use crate::findings::{Finding, Place, Rule};
use crate::work::plan::one_line;

/// So many differences are told of one migration.
const MOST: usize = 5;

/// So much of a definition is told.
const WIDTH: usize = 80;

/// How going up, down and up again ended.
#[derive(Debug, Clone)]
pub enum RoundTrip {
    /// As it should.
    Whole,
    /// The server refuses the way back.
    DownRefused(Refused),
    /// The schema is not what it was before: how not.
    NotRestored(Vec<String>),
    /// The server refuses the second way up.
    UpRefused(Refused),
}

/// What the round trip says against the migration's down script.
pub fn judge(migration: &Migration, down: &Script, trip: RoundTrip) -> Option<Finding> {
    match trip {
        RoundTrip::Whole => None,
        RoundTrip::DownRefused(Refused { place, error, .. }) => {
            let finding = Finding::new(&Rule::DOWN_NOT_APPLIED, Some(place), error.to_string());
            Some(match error.hint {
                Some(hint) => finding.help(hint),
                None => finding,
            })
        }
        RoundTrip::NotRestored(differences) => {
            let message = format!("after {} up and down {}", migration.name, told(&differences));
            let finding = Finding::new(&Rule::DOWN_NOT_RESTORED, Some(begin(down)), message);
            Some(finding.help("let the down script take back all that the up script does"))
        }
        RoundTrip::UpRefused(Refused { place, error, .. }) => {
            let message = format!("refused after up and down: {error}");
            let finding = Finding::new(&Rule::UP_AFTER_DOWN, Some(place), message);
            Some(
                finding
                    .help("let the down script also take back the rows that the up script makes"),
            )
        }
    }
}

/// The migrations without a down script, where others have one.
pub fn missing(migrations: &[Migration], layout: Layout) -> Vec<Finding> {
    // Flyway runs these again whenever they change, and knows no way back for them.
    let repeats = |migration: &Migration| {
        layout == Layout::Flyway && migration.name.to_ascii_uppercase().starts_with("R__")
    };
    let without = migrations.iter().filter(|it| it.down.is_none() && !repeats(it));
    let findings = without.map(|migration| {
        let place = Place::of_offset(&migration.up, 0);
        Finding::new(
            &Rule::NO_DOWN,
            Some(place),
            "no down script, although other migrations have one",
        )
        .help("add one, even if it only says why there is no way back")
    });
    findings.collect()
}

/// In what the two differ, in words. What belongs to something that is itself new or gone is left
/// out.
pub fn differences(before: &Fingerprint, after: &Fingerprint) -> Vec<String> {
    let names = |these: &Fingerprint, others: &Fingerprint| {
        let new = these.keys().filter(|thing| !others.contains_key(thing));
        new.map(|thing| thing.identity.clone()).collect::<HashSet<_>>()
    };
    let (new, gone) = (names(after, before), names(before, after));
    let is_part = |parent: &Option<String>, of: &HashSet<String>| {
        parent.as_ref().is_some_and(|parent| of.contains(parent))
    };
    let mut all = Vec::new();
    for (thing, now) in after {
        match before.get(thing) {
            None if is_part(&now.parent, &new) => {}
            None => all.push(format!("{} remains", named(thing))),
            Some(was) if was.text != now.text => all.push(differs(thing, &now.text, &was.text)),
            Some(_) => {}
        }
    }
    let missing = before
        .iter()
        .filter(|(thing, _)| !after.contains_key(thing))
        .filter(|(_, was)| !is_part(&was.parent, &gone));
    all.extend(missing.map(|(thing, _)| format!("{} is missing", named(thing))));
    all
}

fn named(thing: &Thing) -> String {
    format!("the {} {}", thing.kind, thing.identity)
}

fn differs(thing: &Thing, now: &str, was: &str) -> String {
    let (now, was) = (one_line(now, WIDTH), one_line(was, WIDTH));
    match now == was {
        true => format!("{} differs", named(thing)),
        false => format!("{} differs: {now} instead of {was}", named(thing)),
    }
}

fn told(differences: &[String]) -> String {
    let mut told = differences.iter().take(MOST).cloned().collect::<Vec<_>>();
    if differences.len() > MOST {
        told.push(format!("and {} more", differences.len() - MOST));
    }
    told.join("; ")
}

fn begin(script: &Script) -> Place {
    let first = statements(script).ok().and_then(|all| all.into_iter().next());
    first.map_or_else(
        || Place::of_offset(script, 0),
        |statement| Place::of_statement(script, &statement),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::fingerprint::Definition;

    fn fingerprint(things: &[(&str, &str, &str, &str)]) -> Fingerprint {
        let things = things.iter().map(|(kind, identity, parent, text)| {
            let parent = Some((*parent).to_owned()).filter(|parent| !parent.is_empty());
            let thing = Thing { kind: (*kind).to_owned(), identity: (*identity).to_owned() };
            (thing, Definition { parent, text: (*text).to_owned() })
        });
        things.collect()
    }

    #[test]
    fn parts_of_what_is_new_or_gone_are_not_told() {
        let before = fingerprint(&[
            ("table", "s.a", "s", ""),
            ("column", "s.a.b", "s.a", "integer"),
            ("table", "s.gone", "s", ""),
            ("index", "s.gone_idx", "s.gone", "x"),
            ("index", "s.a_idx", "s.a", "x"),
        ]);
        let after = fingerprint(&[
            ("table", "s.a", "s", ""),
            ("column", "s.a.b", "s.a", "text"),
            ("table", "s.new", "s", ""),
            ("column", "s.new.c", "s.new", "text"),
        ]);
        assert_eq!(
            differences(&before, &after),
            [
                "the column s.a.b differs: text instead of integer",
                "the table s.new remains",
                "the index s.a_idx is missing",
                "the table s.gone is missing",
            ]
        );
        assert_eq!(differences(&before, &before), [""; 0]);
    }

    #[test]
    fn only_so_many_are_told() {
        let all = (1..=7).map(|number| number.to_string()).collect::<Vec<_>>();
        assert_eq!(told(&all), "1; 2; 3; 4; 5; and 2 more");
        assert_eq!(told(&all[..5]), "1; 2; 3; 4; 5");
    }
}
