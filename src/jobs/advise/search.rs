//! The choice: which candidates together save most of the workload's time for the space that they take.
//!
//! The Extend algorithm (Kossmann et al., PVLDB 13, 2020): each step either adds an index or widens one
//! that was chosen, whichever saves most for each byte more, until nothing saves enough. What a step
//! saves is asked of the statements that it can serve (`useful`), and again only where it could come first,
//! because more indexes seldom make one more useful. Then better ones take the place of what was chosen.
//! Everything is in a fixed order, so that the same input gives the same advice.

mod exchange;
#[cfg(test)]
mod tests;
mod useful;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::queue::{Place, Queue};
use super::statements::OF_STATEMENT;
use crate::cancel::Cancel;
use crate::facts::btree_size::MUCH_WIDER;
use crate::failure::Result;

/// Who knows what statements cost with indexes that are not there.
pub trait Costs {
    /// Of a statement, with these candidates alone.
    ///
    /// # Errors
    /// Those of whom it asks.
    async fn cost(&mut self, statement: usize, shown: &BTreeSet<usize>) -> Result<f64>;

    /// What the planner says of that, and which of these its plan reads.
    ///
    /// # Errors
    /// Those of whom it asks.
    async fn reads(
        &mut self,
        statement: usize,
        shown: &BTreeSet<usize>,
    ) -> Result<(f64, BTreeSet<usize>)>;
}

/// What the search knows of a statement.
#[derive(Debug, Clone, Default)]
pub struct SearchedStatement {
    /// What it is worth: its time, or 1 where no times are known.
    pub weight: f64,
    /// Today.
    pub cost: f64,
    /// The same as the planner says.
    pub planner_cost: f64,
    /// Candidates that can serve it.
    pub relevant: BTreeSet<usize>,
    /// With all of these, at least; `None`: not known.
    pub cost_with_all: Option<f64>,
}

/// What the search knows of a candidate.
#[derive(Debug, Clone, Default)]
pub struct SearchedCandidate {
    /// Its table: those of one table have the same number.
    pub table: usize,
    /// The column or expression that it begins with.
    pub leading: String,
    pub bytes: u64,
    /// What it costs writers, in the workload's measure.
    pub writes: f64,
    /// Candidates that it can stand in for, with columns more.
    pub extends: BTreeSet<usize>,
}

/// What was chosen, and what it comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// The best first.
    pub chosen: Vec<usize>,
    /// It was interrupted: the best so far.
    pub is_partial: bool,
}

/// What may be chosen.
#[derive(Debug, Clone, Copy)]
pub struct ChoiceLimits {
    pub bytes: Option<u64>,
    pub indexes: Option<usize>,
}

impl ChoiceLimits {
    /// How much size counts: where space is short, each byte has to pay; else a better index is worth
    /// being a little larger.
    fn size_counts(self) -> f64 {
        if self.bytes.is_some() { 1.0 } else { 0.2 }
    }
}

/// A choice must save this share of the whole workload.
const OF_WORKLOAD: f64 = 0.005;
/// In a workload of many statements a quarter of what one of them is worth on average is enough.
const OF_AVERAGE: f64 = 0.25;
/// What saves less than this part of that beside the others goes.
const NOTHING: f64 = 0.4;
/// PostgreSQL takes plans for equal whose costs differ by less: the cheapest may cost so much of what it
/// says.
const EXACT: f64 = 0.98;
/// The smallest index counts as much as one of this size: else the tiniest would always win.
const SMALLEST_BYTES: u64 = 1 << 20;

/// An index more, or a wider one in the place of others.
#[derive(Debug, Clone)]
struct Step {
    candidate: usize,
    /// Chosen ones that it stands in for.
    replaces: BTreeSet<usize>,
    gain: f64,
    score: f64,
}

/// A search over candidates; it remembers what it was told.
pub struct Search<'s, C> {
    costs: &'s mut C,
    statements: &'s [SearchedStatement],
    candidates: &'s [SearchedCandidate],
    limits: ChoiceLimits,
    /// What an index has to save.
    least: f64,
    /// By candidate: the statements that it concerns.
    concerned: Vec<Vec<usize>>,
    /// By candidate: those that can stand in for it.
    wider: Vec<Vec<usize>>,
    known: HashMap<(usize, Vec<usize>), f64>,
    /// By candidate: what it saves alone.
    alone: Vec<f64>,
    /// By candidate: what the statements save that would read it if all were there.
    together: Vec<f64>,
    /// The best first.
    chosen: Vec<usize>,
    /// The same, to look them up.
    shown: BTreeSet<usize>,
    /// Which may still be chosen: what each would save at most from now on.
    left: BTreeMap<usize, f64>,
    /// These, by what they may score.
    queue: Queue,
}

impl<'s, C: Costs> Search<'s, C> {
    pub fn new(
        costs: &'s mut C,
        statements: &'s [SearchedStatement],
        candidates: &'s [SearchedCandidate],
        limits: ChoiceLimits,
    ) -> Self {
        let mut wider = vec![Vec::new(); candidates.len()];
        for (at, candidate) in candidates.iter().enumerate() {
            candidate.extends.iter().for_each(|narrow| wider[*narrow].push(at));
        }
        Search {
            costs,
            statements,
            candidates,
            limits,
            least: least(statements),
            concerned: vec![Vec::new(); candidates.len()],
            wider,
            known: HashMap::new(),
            alone: vec![0.0; candidates.len()],
            together: vec![0.0; candidates.len()],
            chosen: Vec::new(),
            shown: BTreeSet::new(),
            left: BTreeMap::new(),
            queue: Queue::default(),
        }
    }

    /// Chooses.
    ///
    /// # Errors
    /// Those of whom it asks.
    pub async fn choose(mut self, cancel: &Cancel) -> Result<Choice> {
        self.find_concerned(cancel).await?;
        for candidate in 0..self.candidates.len() {
            if cancel.signal().is_some() {
                break;
            }
            if self.most_gained(candidate).await? < self.least {
                continue;
            }
            let step = self.step(candidate, BTreeSet::new()).await?;
            self.alone[candidate] = step.gain;
            if step.gain >= self.least {
                self.left.insert(candidate, step.gain);
                self.hope_for(candidate);
            }
        }
        while let Some(step) = self.next(cancel).await? {
            if step.gain >= self.least {
                self.take(&step);
            }
        }
        self.exchange(cancel).await?;
        if cancel.signal().is_some() {
            return Ok(Choice { chosen: self.chosen, is_partial: true });
        }
        self.prune().await?;
        Ok(Choice { chosen: self.chosen, is_partial: false })
    }

    fn take(&mut self, step: &Step) {
        self.chosen.retain(|kept| !step.replaces.contains(kept));
        self.chosen.push(step.candidate);
        self.shown.retain(|kept| !step.replaces.contains(kept));
        self.shown.insert(step.candidate);
        for changed in step.replaces.iter().chain([&step.candidate]) {
            for at in 0..self.wider[*changed].len() {
                self.hope_for(self.wider[*changed][at]);
            }
        }
    }

    /// The best step; its candidate leaves the list, as those that no limit lets in.
    async fn next(&mut self, cancel: &Cancel) -> Result<Option<Step>> {
        let mut asked: BTreeMap<usize, Step> = BTreeMap::new();
        let is_first = self.chosen.is_empty();
        loop {
            // What was found out before the first choice is enough for that.
            if cancel.signal().is_some() && !is_first {
                return Ok(None);
            }
            let Some(candidate) = self.queue.best() else {
                return Ok(None);
            };
            let hoped = self.left[&candidate];
            if let Some(step) = asked.remove(&candidate) {
                self.drop_from_list(candidate);
                // The others were asked beside what is no longer all that is chosen.
                asked.into_keys().for_each(|other| self.hope_for(other));
                return Ok(Some(step));
            }
            match self.best_step(candidate, is_first.then_some(hoped)).await? {
                Some((step, alone)) => {
                    self.left.insert(candidate, alone.min(hoped));
                    self.queue.set(self.place(candidate, step.score));
                    asked.insert(candidate, step);
                }
                None => self.drop_from_list(candidate),
            }
        }
    }

    fn drop_from_list(&mut self, candidate: usize) {
        self.left.remove(&candidate);
        self.queue.remove(candidate);
    }

    /// Gives a candidate of the list the place of what it may score.
    fn hope_for(&mut self, candidate: usize) {
        if let Some(gain) = self.left.get(&candidate) {
            let score = self.hoped_for(candidate, *gain);
            self.queue.set(self.place(candidate, score));
        }
    }

    fn place(&self, candidate: usize, score: f64) -> Place {
        Place { score, bytes: self.candidates[candidate].bytes, candidate }
    }

    /// The better one of adding the candidate and of widening with it what is chosen, and what adding it
    /// saves; `None`: no limit lets it in, or too little is left to save. `known`: what it saves is known.
    async fn best_step(
        &mut self,
        candidate: usize,
        known: Option<f64>,
    ) -> Result<Option<(Step, f64)>> {
        if known.is_none() && self.most_gained(candidate).await? < self.least {
            return Ok(None);
        }
        let alone = match known {
            Some(gain) => self.scored(candidate, BTreeSet::new(), gain),
            None => self.step(candidate, BTreeSet::new()).await?,
        };
        let saves = alone.gain;
        let replaces = self.replaced_by(candidate);
        let mut best = self.is_allowed(&alone).then_some(alone);
        if !replaces.is_empty() && known.is_none() {
            let wider = self.step(candidate, replaces).await?;
            let is_better = best.as_ref().is_none_or(|best| wider.score > best.score);
            if is_better && self.is_allowed(&wider) {
                best = Some(wider);
            }
        }
        Ok(best.map(|best| (best, saves)))
    }

    /// No step with this candidate can score more.
    fn hoped_for(&self, candidate: usize, gain: f64) -> f64 {
        let replaces = self.replaced_by(candidate);
        let spared = replaces.iter().map(|one| self.candidates[*one].writes).sum::<f64>();
        self.scored(candidate, replaces, gain + spared).score
    }

    /// The chosen ones that a candidate can stand in for.
    fn replaced_by(&self, candidate: usize) -> BTreeSet<usize> {
        self.candidates[candidate].extends.intersection(&self.shown).copied().collect()
    }

    fn scored(&self, candidate: usize, replaces: BTreeSet<usize>, gain: f64) -> Step {
        let freed = replaces.iter().map(|one| self.candidates[*one].bytes).sum::<u64>();
        let more = self.candidates[candidate].bytes.saturating_sub(freed).max(SMALLEST_BYTES);
        let score = gain / as_f64(more).powf(self.limits.size_counts());
        Step { candidate, replaces, gain, score }
    }

    fn is_allowed(&self, step: &Step) -> bool {
        let kept = self.chosen.iter().filter(|one| !step.replaces.contains(one));
        let bytes = kept.clone().map(|one| self.candidates[*one].bytes).sum::<u64>();
        let all = bytes + self.candidates[step.candidate].bytes;
        self.limits.bytes.is_none_or(|most| all <= most)
            && self.limits.indexes.is_none_or(|most| kept.count() < most)
    }

    /// What becomes of the workload with the candidate, in the place of these chosen ones; nothing where no
    /// statement gains a tenth.
    async fn step(&mut self, candidate: usize, replaces: BTreeSet<usize>) -> Result<Step> {
        // What is known already is told without waiting: here a signal is heard.
        tokio::task::yield_now().await;
        let saved = self.saved(candidate, &replaces).await?;
        let writes = |one: &usize| self.candidates[*one].writes;
        let spared = replaces.iter().map(writes).sum::<f64>();
        let gain = saved - writes(&candidate) + spared;
        Ok(self.scored(candidate, replaces, gain))
    }

    async fn saved(&mut self, candidate: usize, replaces: &BTreeSet<usize>) -> Result<f64> {
        let (mut saved, mut most) = (0.0, 0.0_f64);
        let changed = replaces.iter().chain([&candidate]);
        let concerned = changed.flat_map(|one| &self.concerned[*one]).copied();
        for at in concerned.collect::<BTreeSet<_>>() {
            let statement = &self.statements[at];
            let before = self.chosen_for(at);
            let kept = before.iter().filter(|one| !replaces.contains(one));
            let after = kept.chain([&candidate]).copied().collect::<BTreeSet<_>>();
            let now = self.cost(at, before).await?;
            let then = self.cost(at, after.into_iter().collect()).await?;
            saved += statement.weight * (now - then) / statement.cost.max(f64::MIN_POSITIVE);
            most = most.max((now - then) / now.max(f64::MIN_POSITIVE));
        }
        // What is lost counts in any case: else two would take each other's place.
        Ok(if most < OF_STATEMENT { saved.min(0.0) } else { saved })
    }

    /// No step with this candidate gains more: that is all that the statements can still save.
    async fn most_gained(&mut self, candidate: usize) -> Result<f64> {
        let (mut saved, mut most) = (0.0, 0.0_f64);
        for place in 0..self.concerned[candidate].len() {
            let at = self.concerned[candidate][place];
            let statement = &self.statements[at];
            let Some(with_all) = statement.cost_with_all else {
                return Ok(f64::INFINITY);
            };
            let now = self.cost(at, self.chosen_for(at)).await?;
            let left = (now - with_all * EXACT).max(0.0);
            saved += statement.weight * left / statement.cost.max(f64::MIN_POSITIVE);
            most = most.max(left / now.max(f64::MIN_POSITIVE));
        }
        let writes = |one: &usize| self.candidates[*one].writes;
        let spared = self.candidates[candidate].extends.iter().map(writes).sum::<f64>();
        let saved = if most < OF_STATEMENT { 0.0 } else { saved };
        Ok(saved + spared - writes(&candidate))
    }

    fn chosen_for(&self, at: usize) -> Vec<usize> {
        let relevant = self.statements[at].relevant.iter();
        relevant.filter(|one| self.shown.contains(one)).copied().collect()
    }

    /// Of a statement, with these of its candidates.
    async fn cost(&mut self, at: usize, shown: Vec<usize>) -> Result<f64> {
        if shown.is_empty() {
            return Ok(self.statements[at].cost);
        }
        let key = (at, shown);
        if let Some(cost) = self.known.get(&key) {
            return Ok(*cost);
        }
        let cost = self.costs.cost(at, &key.1.iter().copied().collect()).await?;
        self.known.insert(key, cost);
        Ok(cost)
    }

    /// What was chosen early may be worth nothing beside what came later, or be what that begins with.
    async fn prune(&mut self) -> Result<()> {
        let nothing = self.least * NOTHING;
        for candidate in self.chosen.clone() {
            self.shown.remove(&candidate);
            if !self.is_covered(candidate)
                && self.step(candidate, BTreeSet::new()).await?.gain >= nothing
            {
                self.shown.insert(candidate);
            }
        }
        self.chosen.retain(|kept| self.shown.contains(kept));
        Ok(())
    }

    /// Whether a chosen one begins with its keys, and is not much larger.
    fn is_covered(&self, candidate: usize) -> bool {
        let most = self.candidates[candidate].bytes.saturating_mul(MUCH_WIDER);
        let mut wider = self.wider[candidate].iter();
        wider.any(|other| self.shown.contains(other) && self.candidates[*other].bytes <= most)
    }
}

/// What an index has to save of these.
fn least(statements: &[SearchedStatement]) -> f64 {
    let whole = statements.iter().map(|statement| statement.weight).sum::<f64>();
    let count = u32::try_from(statements.len().max(1)).unwrap_or(u32::MAX);
    whole * OF_WORKLOAD.min(OF_AVERAGE / f64::from(count))
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn as_f64(bytes: u64) -> f64 {
    bytes as f64
}
