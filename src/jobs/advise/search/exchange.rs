//! What was chosen early may stand in the way of something better: an index on the sort column alone
//! makes a statement a hundred times cheaper, and leaves too little for the one that makes it a thousand
//! times cheaper to come in beside it. In its place that one is worth having.

use std::collections::{BTreeSet, HashMap};

use super::{Costs, Search, Step, as_f64};
use crate::cancel::Cancel;
use crate::failure::Result;

/// An index that takes another one's place need not save what an index more has to.
const OF_LEAST: f64 = 0.05;
const ROUNDS: usize = 2;
/// So few are all tried in the place of another.
const FEW: usize = 24;
/// Of more, so many that begin with the same column are tried: those that alone save most.
const TRIED: usize = 2;
/// So many of those are tried that the statements would read if all candidates were there.
const TOGETHER: usize = 10;

impl<C: Costs> Search<'_, C> {
    /// Puts better ones in the place of what is chosen: each is looked at once more where another one has
    /// changed.
    pub(super) async fn exchange(&mut self, cancel: &Cancel) -> Result<()> {
        for _ in 0..ROUNDS {
            let before = self.chosen.clone();
            for at in 0..self.chosen.len() {
                if let Some(step) = self.better_than(self.chosen[at], cancel).await? {
                    self.shown.remove(&self.chosen[at]);
                    self.shown.insert(step.candidate);
                    self.chosen[at] = step.candidate;
                }
            }
            if self.chosen == before {
                break;
            }
        }
        Ok(())
    }

    /// What saves most in the place of a chosen one.
    async fn better_than(&mut self, chosen: usize, cancel: &Cancel) -> Result<Option<Step>> {
        let mut best: Option<Step> = None;
        for other in self.rivals(chosen) {
            if cancel.signal().is_some() {
                return Ok(None);
            }
            let least = self.least_in_place_of(chosen, other);
            let spared = self.candidates[chosen].writes;
            if self.most_gained(other).await? + spared < least {
                continue;
            }
            let step = self.step(other, BTreeSet::from([chosen])).await?;
            let is_better = best.as_ref().is_none_or(|best| step.gain > best.gain);
            if step.gain >= least && is_better && self.is_allowed(&step) {
                best = Some(step);
            }
        }
        Ok(best)
    }

    /// Others of its table: the best of each column that they begin with, and those that save most
    /// together with others.
    fn rivals(&self, chosen: usize) -> Vec<usize> {
        let table = self.candidates[chosen].table;
        let is_rival =
            |other: &usize| self.candidates[*other].table == table && !self.shown.contains(other);
        let all = (0..self.candidates.len()).filter(is_rival).collect::<Vec<_>>();
        if all.len() <= FEW {
            return all;
        }
        let by = |gains: &[f64]| {
            let mut rivals = all.clone();
            rivals.sort_by(|one, other| gains[*other].total_cmp(&gains[*one]));
            rivals
        };
        let mut begun = HashMap::<&str, usize>::new();
        let mut alone = by(&self.alone);
        alone.retain(|rival| {
            let number = begun.entry(&self.candidates[*rival].leading).or_default();
            *number += 1;
            *number <= TRIED
        });
        let together = by(&self.together).into_iter().take(TOGETHER);
        let together = together.filter(|rival| self.together[*rival] > 0.0);
        alone.into_iter().chain(together).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// A larger index has to save more.
    fn least_in_place_of(&self, chosen: usize, other: usize) -> f64 {
        let bytes = |candidate: usize| as_f64(self.candidates[candidate].bytes.max(1));
        self.least * OF_LEAST * (bytes(other) / bytes(chosen)).max(1.0)
    }
}
