//! What the server prints once it has read its own print.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::pg::name::RelationName;

/// After so many readings of its own print the server is taken at its word.
const READINGS: usize = 4;

/// Texts by relation, and what the server prints of each after reading it.
pub struct Settled {
    prints: HashMap<(RelationName, String), String>,
    next: Vec<(RelationName, String)>,
    readings_left: usize,
}

impl Settled {
    pub fn new(texts: BTreeSet<(RelationName, String)>) -> Self {
        let next = texts.into_iter().collect();
        Settled { prints: HashMap::new(), next, readings_left: READINGS }
    }

    /// The texts to be read next.
    pub fn next(&mut self) -> Option<Vec<(RelationName, String)>> {
        let texts = std::mem::take(&mut self.next);
        let goes_on = !texts.is_empty() && self.readings_left > 0;
        self.readings_left = self.readings_left.saturating_sub(1);
        goes_on.then_some(texts)
    }

    /// What was printed of the texts; one that could not be read remains as it is.
    pub fn hear(
        &mut self,
        texts: Vec<(RelationName, String)>,
        prints: impl Iterator<Item = Option<String>>,
    ) {
        let mut next = HashSet::new();
        for ((relation, text), print) in texts.into_iter().zip(prints) {
            let Some(print) = print.filter(|print| *print != text) else {
                continue;
            };
            let printed = (relation.clone(), print);
            if !self.prints.contains_key(&printed) {
                next.insert(printed.clone());
            }
            self.prints.insert((relation, text), printed.1);
        }
        self.next = next.into_iter().collect();
    }

    pub fn of(&self, relation: &RelationName, text: &str) -> String {
        let mut text = text.to_owned();
        for _ in 0..READINGS {
            match self.prints.get(&(relation.clone(), text.clone())) {
                Some(print) => text.clone_from(print),
                None => break,
            }
        }
        text
    }
}
