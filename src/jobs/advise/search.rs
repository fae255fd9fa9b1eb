//! The choice: which candidates together save most of the workload's time for the space that they take.
//!
//! Greedy by benefit a byte, as the Extend algorithm does (Kossmann et al., PVLDB 13, 2020); what a
//! candidate saves is asked again only where it could come first, because more indexes seldom make one
//! more useful. Everything is in a fixed order, so that the same input gives the same advice.

use std::collections::{BTreeSet, HashMap};

use crate::cancel::Cancel;
use crate::failure::Result;
use crate::twin::{Candidate, Planned, Twin, TwinStatement};

/// A statement on its way through the search.
#[derive(Debug)]
pub struct Weighed {
    pub prepared: TwinStatement,
    /// What it is worth: its time, or 1 where no times are known.
    pub weight: f64,
    pub cost: f64,
    /// Candidates on its tables.
    pub relevant: BTreeSet<usize>,
}

/// What was chosen, and what it comes to.
#[derive(Debug, Clone, Default)]
pub struct Choice {
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

/// A choice must save this share of the whole workload, and of a statement that it serves.
const OF_WORKLOAD: f64 = 0.005;
const OF_STATEMENT: f64 = 0.1;
/// In a workload of many statements a quarter of what one of them is worth on average is enough.
const OF_AVERAGE: f64 = 0.25;
/// What saves less than this part of that beside the others goes.
const NOTHING: f64 = 0.4;
/// The smallest index counts as much as one of this size: else the tiniest would always win.
const SMALLEST_BYTES: f64 = 1_048_576.0;

/// Asks the twin, and remembers its answers.
pub struct Oracle<'t> {
    twin: &'t Twin,
    candidates: &'t [Candidate],
    pub statements: &'t [Weighed],
    known: HashMap<(usize, Vec<usize>), f64>,
    visible: BTreeSet<usize>,
    /// Plans that were asked for.
    pub asked: usize,
}

impl<'t> Oracle<'t> {
    pub fn new(
        twin: &'t Twin,
        candidates: &'t [Candidate],
        statements: &'t [Weighed],
    ) -> Oracle<'t> {
        Oracle {
            twin,
            candidates,
            statements,
            known: HashMap::new(),
            visible: BTreeSet::new(),
            asked: 0,
        }
    }

    /// What a statement costs with these candidates.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn cost(&mut self, statement: usize, chosen: &BTreeSet<usize>) -> Result<f64> {
        let weighed = &self.statements[statement];
        let shown = chosen.intersection(&weighed.relevant).copied().collect::<Vec<_>>();
        if shown.is_empty() {
            return Ok(weighed.cost);
        }
        let key = (statement, shown);
        if let Some(cost) = self.known.get(&key) {
            return Ok(*cost);
        }
        let shown = key.1.iter().copied().collect();
        let planned = self.plan(statement, shown).await?;
        let cost = planned.cost().unwrap_or(weighed.cost);
        self.known.insert(key, cost);
        Ok(cost)
    }

    /// The plan of a statement with these candidates.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn plan(&mut self, statement: usize, shown: BTreeSet<usize>) -> Result<Planned> {
        let oids = |these: Vec<&usize>| {
            these
                .into_iter()
                .flat_map(|at| self.candidates[*at].oids.clone())
                .collect::<Vec<_>>()
        };
        let hide = oids(self.visible.difference(&shown).collect());
        let show = oids(shown.difference(&self.visible).collect());
        self.twin.toggle(&hide, &show).await?;
        self.visible = shown;
        self.asked += 1;
        self.twin.generic_plan(&self.statements[statement].prepared).await
    }

    /// What a candidate saves beside others, in the workload's measure; nothing where no statement
    /// gains a tenth.
    async fn gain(&mut self, candidate: usize, chosen: &BTreeSet<usize>) -> Result<f64> {
        let mut with = chosen.clone();
        with.insert(candidate);
        let (mut gain, mut most) = (0.0, 0.0_f64);
        for statement in 0..self.statements.len() {
            if !self.statements[statement].relevant.contains(&candidate) {
                continue;
            }
            let now = self.cost(statement, chosen).await?;
            let then = self.cost(statement, &with).await?;
            let Weighed { weight, cost, .. } = self.statements[statement];
            gain += weight * (now - then) / cost.max(f64::MIN_POSITIVE);
            most = most.max((now - then) / now.max(f64::MIN_POSITIVE));
        }
        Ok(if most < OF_STATEMENT { 0.0 } else { gain })
    }

    /// What an index has to save.
    fn least(&self) -> f64 {
        let whole = self.statements.iter().map(|statement| statement.weight).sum::<f64>();
        let count = u32::try_from(self.statements.len().max(1)).unwrap_or(u32::MAX);
        whole * OF_WORKLOAD.min(OF_AVERAGE / f64::from(count))
    }
}

/// Chooses. `writes`: what each candidate costs writers, in the workload's measure.
///
/// # Errors
/// Those of the connection.
pub async fn choose(
    oracle: &mut Oracle<'_>,
    writes: &[f64],
    limits: ChoiceLimits,
    cancel: &Cancel,
) -> Result<Choice> {
    let least = oracle.least();
    let mut choice = Choice::default();
    let mut chosen = BTreeSet::new();
    let mut left = Vec::new();
    for (candidate, cost) in writes.iter().enumerate() {
        if cancel.signal().is_some() {
            return Ok(Choice { is_partial: true, ..choice });
        }
        let gain = oracle.gain(candidate, &chosen).await? - cost;
        if gain >= least {
            left.push((candidate, gain));
        }
    }
    let mut bytes = 0;
    loop {
        let found = next(oracle, &mut left, &chosen, writes, limits).await?;
        let Some((candidate, gain)) = found else {
            break;
        };
        if cancel.signal().is_some() {
            choice.is_partial = true;
            break;
        }
        if gain < least {
            continue;
        }
        let size = oracle.candidates[candidate].bytes;
        let fits = limits.bytes.is_none_or(|most| bytes + size <= most);
        if fits {
            bytes += size;
            chosen.insert(candidate);
            choice.chosen.push(candidate);
        }
        if limits.indexes.is_some_and(|most| choice.chosen.len() >= most) {
            break;
        }
    }
    prune(oracle, &mut choice, chosen, writes).await?;
    Ok(choice)
}

/// The candidate that saves most a byte now; it leaves the list.
async fn next(
    oracle: &mut Oracle<'_>,
    left: &mut Vec<(usize, f64)>,
    chosen: &BTreeSet<usize>,
    writes: &[f64],
    limits: ChoiceLimits,
) -> Result<Option<(usize, f64)>> {
    let mut fresh: BTreeSet<usize> = BTreeSet::new();
    loop {
        let score = |(candidate, gain): &(usize, f64)| {
            gain / bytes_of(oracle, *candidate).powf(limits.size_counts())
        };
        let best = left.iter().enumerate().max_by(|(_, one), (_, other)| {
            score(one).total_cmp(&score(other)).then(other.0.cmp(&one.0))
        });
        let Some((at, &(candidate, gain))) = best else {
            return Ok(None);
        };
        if chosen.is_empty() || fresh.contains(&candidate) {
            left.remove(at);
            return Ok(Some((candidate, gain)));
        }
        left[at].1 = oracle.gain(candidate, chosen).await? - writes[candidate];
        fresh.insert(candidate);
    }
}

#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
fn bytes_of(oracle: &Oracle<'_>, candidate: usize) -> f64 {
    (oracle.candidates[candidate].bytes as f64).max(SMALLEST_BYTES)
}

/// What was chosen early may be worth nothing beside what came later.
async fn prune(
    oracle: &mut Oracle<'_>,
    choice: &mut Choice,
    mut chosen: BTreeSet<usize>,
    writes: &[f64],
) -> Result<()> {
    let nothing = oracle.least() * NOTHING;
    for candidate in choice.chosen.clone() {
        chosen.remove(&candidate);
        let loss = oracle.gain(candidate, &chosen).await? - writes[candidate];
        if loss < nothing {
            choice.chosen.retain(|kept| *kept != candidate);
        } else {
            chosen.insert(candidate);
        }
    }
    Ok(())
}
