//! Whether names mean the same, and whether a text says one.

use std::collections::HashSet;

use crate::pg::name::RelationName;

pub fn may_be_same(one: &Option<String>, other: &Option<String>) -> bool {
    one.is_none() || other.is_none() || one == other
}

pub fn is_same(one: &RelationName, other: &RelationName) -> bool {
    one.name == other.name && may_be_same(&one.schema, &other.schema)
}

/// Where one is meant exactly, the others are not.
pub fn exact_or_all(found: Vec<usize>, is_exact: impl Fn(usize) -> bool) -> Vec<usize> {
    let exact = found.iter().copied().filter(|at| is_exact(*at)).collect::<Vec<_>>();
    if exact.is_empty() { found } else { exact }
}

/// The words of an SQL text in small letters, without quotes; also those of strings, in which DO
/// keeps its statements.
pub struct Said {
    known: HashSet<String>,
}

impl Said {
    pub fn of(text: &str) -> Said {
        Said { known: words(text).collect() }
    }

    /// Whether a name occurs, or all the words that it is made of.
    pub fn has(&self, name: &str) -> bool {
        words(name).all(|word| self.known.contains(&word))
    }

    pub fn has_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.known.contains(*word))
    }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.filter(|word| !word.is_empty()).map(str::to_lowercase)
}
