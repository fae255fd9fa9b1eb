//! Candidates in the order of what they may score, where only few scores change between two steps.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

/// Of several with the same score the smaller index is better, and then the first one.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub score: f64,
    pub bytes: u64,
    pub candidate: usize,
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        let rest = |place: &Self| (Reverse(place.bytes), Reverse(place.candidate));
        self.score.total_cmp(&other.score).then_with(|| rest(self).cmp(&rest(other)))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Place {}

/// Each candidate stands in it once.
#[derive(Debug, Default)]
pub struct Queue {
    order: BTreeSet<Place>,
    places: BTreeMap<usize, Place>,
}

impl Queue {
    /// Adds a candidate, or moves it.
    pub fn set(&mut self, place: Place) {
        self.remove(place.candidate);
        self.places.insert(place.candidate, place);
        self.order.insert(place);
    }

    pub fn remove(&mut self, candidate: usize) {
        if let Some(place) = self.places.remove(&candidate) {
            self.order.remove(&place);
        }
    }

    pub fn best(&self) -> Option<usize> {
        self.order.last().map(|place| place.candidate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_score_comes_first_then_the_smaller_index_then_the_first() {
        let mut queue = Queue::default();
        for (candidate, score, bytes) in [(0, 1.0, 1), (1, 3.0, 9), (2, 3.0, 8), (3, 3.0, 8)] {
            queue.set(Place { score, bytes, candidate });
        }
        queue.set(Place { score: 2.0, bytes: 1, candidate: 2 });
        let mut order = Vec::new();
        while let Some(best) = queue.best() {
            order.push(best);
            queue.remove(best);
        }
        assert_eq!(order, [3, 1, 2, 0], "2 was moved");
    }
}
