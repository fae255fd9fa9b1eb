//! The choice: which candidates together save most of the workload's time for the space that they take.
//!
//! The Extend algorithm (Kossmann et al., PVLDB 13, 2020): each step either adds an index or widens one
//! that was chosen, whichever saves most for each byte more, until nothing saves enough. What a step
//! saves is asked again only where it could come first, because more indexes seldom make one more
//! useful. Everything is in a fixed order, so that the same input gives the same advice.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::statements::OF_STATEMENT;
use crate::cancel::Cancel;
use crate::failure::Result;

/// Who knows what statements cost with indexes that are not there.
pub trait Costs {
    /// Of a statement, with these candidates alone.
    ///
    /// # Errors
    /// Those of whom it asks.
    async fn cost(&mut self, statement: usize, shown: &BTreeSet<usize>) -> Result<f64>;
}

/// What the search knows of a statement.
#[derive(Debug, Clone, Default)]
pub struct SearchedStatement {
    /// What it is worth: its time, or 1 where no times are known.
    pub weight: f64,
    /// Today.
    pub cost: f64,
    /// Candidates on its tables.
    pub relevant: BTreeSet<usize>,
}

/// What the search knows of a candidate.
#[derive(Debug, Clone, Default)]
pub struct SearchedCandidate {
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
    known: HashMap<(usize, Vec<usize>), f64>,
    chosen: Vec<usize>,
}

impl<'s, C: Costs> Search<'s, C> {
    pub fn new(
        costs: &'s mut C,
        statements: &'s [SearchedStatement],
        candidates: &'s [SearchedCandidate],
        limits: ChoiceLimits,
    ) -> Self {
        let (known, chosen) = (HashMap::new(), Vec::new());
        Search { costs, statements, candidates, limits, known, chosen }
    }

    /// Chooses.
    ///
    /// # Errors
    /// Those of whom it asks.
    pub async fn choose(mut self, cancel: &Cancel) -> Result<Choice> {
        let least = self.least();
        // What each would save at most from now on.
        let mut left = BTreeMap::new();
        for candidate in 0..self.candidates.len() {
            if cancel.signal().is_some() {
                break;
            }
            let step = self.step(candidate, BTreeSet::new()).await?;
            if step.gain >= least {
                left.insert(candidate, step.gain);
            }
        }
        while let Some(step) = self.next(&mut left, cancel).await? {
            if step.gain >= least {
                self.chosen.retain(|kept| !step.replaces.contains(kept));
                self.chosen.push(step.candidate);
            }
        }
        if cancel.signal().is_some() {
            return Ok(Choice { chosen: self.chosen, is_partial: true });
        }
        self.prune().await?;
        Ok(Choice { chosen: self.chosen, is_partial: false })
    }

    /// The best step; its candidate leaves the list, as those that no limit lets in.
    async fn next(
        &mut self,
        left: &mut BTreeMap<usize, f64>,
        cancel: &Cancel,
    ) -> Result<Option<Step>> {
        let mut asked: BTreeMap<usize, Step> = BTreeMap::new();
        let is_first = self.chosen.is_empty();
        loop {
            // What was found out before the first choice is enough for that.
            if cancel.signal().is_some() && !is_first {
                return Ok(None);
            }
            let score = |candidate: usize, gain: f64| match asked.get(&candidate) {
                Some(step) => step.score,
                None => self.hoped_for(candidate, gain),
            };
            let best = left.iter().max_by(|(one, one_gain), (other, other_gain)| {
                let (one_score, other_score) =
                    (score(**one, **one_gain), score(**other, **other_gain));
                let bytes = |candidate: &usize| self.candidates[*candidate].bytes;
                one_score
                    .total_cmp(&other_score)
                    .then(bytes(other).cmp(&bytes(one)))
                    .then(other.cmp(one))
            });
            let Some((&candidate, &hoped)) = best else {
                return Ok(None);
            };
            if let Some(step) = asked.remove(&candidate) {
                left.remove(&candidate);
                return Ok(Some(step));
            }
            match self.best_step(candidate, is_first.then_some(hoped)).await? {
                Some((step, alone)) => {
                    left.insert(candidate, alone.min(hoped));
                    asked.insert(candidate, step);
                }
                None => drop(left.remove(&candidate)),
            }
        }
    }

    /// The better one of adding the candidate and of widening with it what is chosen, and what adding it
    /// saves; `None`: no limit lets it in. `known`: what it saves is known.
    async fn best_step(
        &mut self,
        candidate: usize,
        known: Option<f64>,
    ) -> Result<Option<(Step, f64)>> {
        let alone = match known {
            Some(gain) => self.scored(candidate, BTreeSet::new(), gain),
            None => self.step(candidate, BTreeSet::new()).await?,
        };
        let saves = alone.gain;
        let extends = &self.candidates[candidate].extends;
        let replaces = self.chosen.iter().copied().filter(|one| extends.contains(one));
        let replaces = replaces.collect::<BTreeSet<_>>();
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
        let extends = &self.candidates[candidate].extends;
        let replaces = self.chosen.iter().copied().filter(|one| extends.contains(one));
        let replaces = replaces.collect::<BTreeSet<_>>();
        let spared = replaces.iter().map(|one| self.candidates[*one].writes).sum::<f64>();
        self.scored(candidate, replaces, gain + spared).score
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
        let before = self.chosen.iter().copied().collect::<BTreeSet<_>>();
        let mut after = before.difference(&replaces).copied().collect::<BTreeSet<_>>();
        after.insert(candidate);
        let saved = self.saved(candidate, &before, &after).await?;
        let writes = |one: &usize| self.candidates[*one].writes;
        let spared = replaces.iter().map(writes).sum::<f64>();
        let gain = saved - writes(&candidate) + spared;
        Ok(self.scored(candidate, replaces, gain))
    }

    async fn saved(
        &mut self,
        candidate: usize,
        before: &BTreeSet<usize>,
        after: &BTreeSet<usize>,
    ) -> Result<f64> {
        let (mut saved, mut most) = (0.0, 0.0_f64);
        for (at, statement) in self.statements.iter().enumerate() {
            if !statement.relevant.contains(&candidate) {
                continue;
            }
            let now = self.cost(at, before).await?;
            let then = self.cost(at, after).await?;
            saved += statement.weight * (now - then) / statement.cost.max(f64::MIN_POSITIVE);
            most = most.max((now - then) / now.max(f64::MIN_POSITIVE));
        }
        Ok(if most < OF_STATEMENT { 0.0 } else { saved })
    }

    async fn cost(&mut self, at: usize, chosen: &BTreeSet<usize>) -> Result<f64> {
        let SearchedStatement { cost, relevant, .. } = &self.statements[at];
        let shown = chosen.intersection(relevant).copied().collect::<Vec<_>>();
        if shown.is_empty() {
            return Ok(*cost);
        }
        let key = (at, shown);
        if let Some(cost) = self.known.get(&key) {
            return Ok(*cost);
        }
        let cost = self.costs.cost(at, &key.1.iter().copied().collect()).await?;
        self.known.insert(key, cost);
        Ok(cost)
    }

    /// What was chosen early may be worth nothing beside what came later.
    async fn prune(&mut self) -> Result<()> {
        let nothing = self.least() * NOTHING;
        for candidate in self.chosen.clone() {
            let all = self.chosen.clone();
            self.chosen.retain(|kept| *kept != candidate);
            if self.step(candidate, BTreeSet::new()).await?.gain >= nothing {
                self.chosen = all;
            }
        }
        Ok(())
    }

    /// What an index has to save.
    fn least(&self) -> f64 {
        let whole = self.statements.iter().map(|statement| statement.weight).sum::<f64>();
        let count = u32::try_from(self.statements.len().max(1)).unwrap_or(u32::MAX);
        whole * OF_WORKLOAD.min(OF_AVERAGE / f64::from(count))
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn as_f64(bytes: u64) -> f64 {
    bytes as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cancel::{self, Canceller, Signal};

    /// Costs of statements by which candidates are shown: the cheapest of those that are.
    struct Told {
        /// By statement: candidates, and what it costs with them.
        costs: Vec<Vec<(&'static [usize], f64)>>,
        asked: usize,
        /// Who interrupts, and at which question.
        interrupts: Option<(usize, Canceller)>,
    }

    impl Costs for Told {
        async fn cost(&mut self, statement: usize, shown: &BTreeSet<usize>) -> Result<f64> {
            self.asked += 1;
            if let Some((_, canceller)) = self.interrupts.as_ref().filter(|it| it.0 == self.asked) {
                canceller.cancel(Signal::Interrupt);
            }
            let has = |these: &&'static [usize]| these.iter().all(|one| shown.contains(one));
            let known = self.costs[statement].iter().filter(|(these, _)| has(these));
            Ok(known.map(|(_, cost)| *cost).fold(100.0, f64::min))
        }
    }

    const MB: u64 = 1 << 20;
    const NO_LIMIT: ChoiceLimits = ChoiceLimits { bytes: None, indexes: None };

    fn candidate(megabytes: u64, extends: &[usize]) -> SearchedCandidate {
        SearchedCandidate {
            bytes: megabytes * MB,
            writes: 0.0,
            extends: extends.iter().copied().collect(),
        }
    }

    fn chosen(
        costs: Vec<Vec<(&'static [usize], f64)>>,
        candidates: &[SearchedCandidate],
        limits: ChoiceLimits,
    ) -> Vec<usize> {
        run(costs, candidates, limits, 0).chosen
    }

    fn run(
        costs: Vec<Vec<(&'static [usize], f64)>>,
        candidates: &[SearchedCandidate],
        limits: ChoiceLimits,
        interrupted_at: usize,
    ) -> Choice {
        let statement = SearchedStatement {
            weight: 1.0,
            cost: 100.0,
            relevant: (0..candidates.len()).collect(),
        };
        let statements = vec![statement; costs.len()];
        let (canceller, cancel) = cancel::channel();
        let mut told = Told {
            costs,
            asked: 0,
            interrupts: Some((interrupted_at, canceller)),
        };
        let search = Search::new(&mut told, &statements, candidates, limits);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(search.choose(&cancel)).unwrap()
    }

    #[test]
    fn what_saves_most_comes_first_and_what_saves_nothing_is_left_out() {
        let costs = vec![vec![(&[0][..], 90.0), (&[1], 10.0)], vec![(&[2], 50.0)]];
        let candidates =
            [candidate(1, &[]), candidate(1, &[]), candidate(1, &[]), candidate(1, &[])];
        assert_eq!(chosen(costs.clone(), &candidates, NO_LIMIT), [1, 2]);
        let one = ChoiceLimits { indexes: Some(1), ..NO_LIMIT };
        assert_eq!(chosen(costs, &candidates, one), [1]);
    }

    /// (a) serves the first statement, (a, b) both: no more than the difference has to fit.
    #[test]
    fn a_chosen_index_is_widened() {
        let costs = vec![vec![(&[0][..], 10.0), (&[1], 10.5)], vec![(&[1], 70.0)]];
        let candidates = [candidate(10, &[]), candidate(14, &[0])];
        assert_eq!(chosen(costs.clone(), &candidates, NO_LIMIT), [1]);
        let within = |megabytes: u64| ChoiceLimits { bytes: Some(megabytes * MB), ..NO_LIMIT };
        assert_eq!(chosen(costs.clone(), &candidates, within(14)), [1]);
        assert_eq!(chosen(costs.clone(), &candidates, within(12)), [0]);
        let one = ChoiceLimits { indexes: Some(1), ..NO_LIMIT };
        assert_eq!(chosen(costs, &candidates, one), [1]);
    }

    #[test]
    fn one_wide_index_stands_in_for_two() {
        let costs = vec![
            vec![(&[0][..], 10.0), (&[2], 10.0)],
            vec![(&[1][..], 10.0), (&[2], 10.0)],
            vec![(&[2][..], 80.0)],
        ];
        let candidates = [candidate(4, &[]), candidate(4, &[0]), candidate(9, &[0, 1])];
        let tight = ChoiceLimits { bytes: Some(9 * MB), ..NO_LIMIT };
        assert_eq!(chosen(costs, &candidates, tight), [2]);
    }

    #[test]
    fn both_stay_where_each_serves_what_the_other_does_not() {
        let costs = vec![vec![(&[0][..], 1.0), (&[1], 90.0)], vec![(&[1], 10.0)]];
        let candidates = [candidate(1, &[]), candidate(50, &[0])];
        let chosen = chosen(costs, &candidates, NO_LIMIT);
        assert_eq!(chosen, [0, 1]);
    }

    #[test]
    fn writers_count() {
        let costs = vec![vec![(&[0][..], 50.0), (&[1], 50.0)]];
        let mut candidates = [candidate(1, &[]), candidate(1, &[])];
        candidates[0].writes = 0.2;
        assert_eq!(chosen(costs.clone(), &candidates, NO_LIMIT), [1]);
        candidates[1].writes = 0.6;
        candidates[0].writes = 0.6;
        assert!(chosen(costs, &candidates, NO_LIMIT).is_empty());
    }

    #[test]
    fn who_interrupts_gets_the_best_so_far() {
        let costs = vec![vec![(&[0][..], 50.0)], vec![(&[1], 10.0)], vec![(&[2], 20.0)]];
        let candidates = [candidate(1, &[]), candidate(1, &[]), candidate(1, &[])];
        let interrupted = |at| run(costs.clone(), &candidates, NO_LIMIT, at);
        let partial = |chosen: &[usize]| Choice { chosen: chosen.to_vec(), is_partial: true };
        assert_eq!(interrupted(1), partial(&[0]), "what was seen of the candidates decides");
        assert_eq!(interrupted(9), partial(&[1]), "the last candidate was asked about");
        assert_eq!(interrupted(10), partial(&[1]), "the next step was on its way");
        assert_eq!(interrupted(13), partial(&[1, 2]));
        assert!(!interrupted(0).is_partial);
    }
}
