//! Version numbers as the tools compare them.

use std::cmp::Ordering;

/// A whole number of any length, compared by value: versions are often timestamps, and some have
/// more digits than a machine word holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Number(String);

impl Number {
    fn new(digits: &str) -> Number {
        Number(digits.trim_start_matches('0').to_owned())
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The number that the name begins with, and what follows it.
pub fn leading_number(name: &str) -> Option<(Number, &str)> {
    let end = name.find(|c: char| !c.is_ascii_digit()).unwrap_or(name.len());
    (end > 0).then(|| (Number::new(&name[..end]), &name[end..]))
}

/// Whether a file of this name carries a version followed by `_`, as sqlx, golang-migrate and
/// goose want it.
pub fn versioned(name: &str) -> Option<Number> {
    leading_number(name)
        .filter(|(_, rest)| rest.starts_with('_'))
        .map(|(number, _)| number)
}

/// diesel's version: what stands before the first `_`, dashes dropped, compared as text.
pub fn diesel(folder: &str) -> String {
    folder.split('_').next().unwrap_or_default().replace('-', "")
}

/// The kinds of Flyway scripts, by the first letter of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlywayKind {
    /// `V1__x.sql`.
    Versioned,
    /// `U1__x.sql`: undoes `V1`; without a `V1` it is refinery's out-of-order migration.
    Undo,
    /// `B1__x.sql`: stands for all versions up to its own on an empty database.
    Baseline,
    /// `R__x.sql`: runs after all versions.
    Repeatable,
}

/// Takes a Flyway file name apart: kind, version by parts, description. Trailing zeros do not
/// count: 1.0 is version 1.
pub fn flyway(file_name: &str) -> Option<(FlywayKind, Vec<Number>, &str)> {
    let stem = file_name.strip_suffix(".sql")?;
    let (version, description) = stem.get(1..)?.split_once("__")?;
    let kind = match stem.as_bytes()[0] {
        b'V' => FlywayKind::Versioned,
        b'U' => FlywayKind::Undo,
        b'B' => FlywayKind::Baseline,
        b'R' if version.is_empty() => return Some((FlywayKind::Repeatable, vec![], description)),
        _ => return None,
    };
    let mut parts = version.split(['.', '_']).map(part).collect::<Option<Vec<_>>>()?;
    while parts.len() > 1 && parts.last().is_some_and(|part| part.0.is_empty()) {
        parts.pop();
    }
    Some((kind, parts, description))
}

fn part(text: &str) -> Option<Number> {
    leading_number(text)
        .filter(|(_, rest)| rest.is_empty())
        .map(|(number, _)| number)
}

/// A path's part as numbered files sort: by number, then by name, those without a number last.
pub fn natural(name: &str) -> (bool, Option<Number>, String) {
    let number = leading_number(name).map(|(number, _)| number);
    (number.is_none(), number, name.to_owned())
}
