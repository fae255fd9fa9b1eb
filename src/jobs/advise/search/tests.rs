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

    async fn reads(
        &mut self,
        statement: usize,
        shown: &BTreeSet<usize>,
    ) -> Result<(f64, BTreeSet<usize>)> {
        self.asked += 1;
        let has = |these: &&'static [usize]| these.iter().all(|one| shown.contains(one));
        let known = self.costs[statement].iter().filter(|(these, _)| has(these));
        let best = known.min_by(|(_, one), (_, other)| one.total_cmp(other));
        Ok(best.map_or((100.0, BTreeSet::new()), |(these, cost)| {
            (*cost, these.iter().copied().collect())
        }))
    }
}

const MB: u64 = 1 << 20;
const NO_LIMIT: ChoiceLimits = ChoiceLimits { bytes: None, indexes: None };

fn candidate(megabytes: u64, extends: &[usize]) -> SearchedCandidate {
    SearchedCandidate {
        table: 0,
        leading: String::new(),
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
    let all = (0..candidates.len()).collect::<Vec<_>>();
    let statements = vec![statement(&all, None); costs.len()];
    let (canceller, cancel) = cancel::channel();
    let interrupts = Some((interrupted_at, canceller));
    let mut told = Told { costs, asked: 0, interrupts };
    search(&mut told, &statements, candidates, limits, &cancel)
}

fn statement(relevant: &[usize], cost_with_all: Option<f64>) -> SearchedStatement {
    SearchedStatement {
        weight: 1.0,
        cost: 100.0,
        planner_cost: 100.0,
        relevant: relevant.iter().copied().collect(),
        cost_with_all,
    }
}

fn search(
    told: &mut Told,
    statements: &[SearchedStatement],
    candidates: &[SearchedCandidate],
    limits: ChoiceLimits,
    cancel: &Cancel,
) -> Choice {
    let search = Search::new(told, statements, candidates, limits);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(search.choose(cancel)).unwrap()
}

#[test]
fn what_saves_most_comes_first_and_what_saves_nothing_is_left_out() {
    let costs = vec![vec![(&[0][..], 90.0), (&[1], 10.0)], vec![(&[2], 50.0)]];
    let candidates = [candidate(1, &[]), candidate(1, &[]), candidate(1, &[]), candidate(1, &[])];
    assert_eq!(chosen(costs.clone(), &candidates, NO_LIMIT), [1, 2]);
    let one = ChoiceLimits { indexes: Some(1), ..NO_LIMIT };
    assert_eq!(chosen(costs, &candidates, one), [1]);
}

/// 0 is the smaller one, and leaves the other too little to save beside it.
#[test]
fn a_better_one_takes_the_place_of_what_was_chosen() {
    let costs = vec![vec![(&[0][..], 1.0), (&[1], 0.5)], vec![(&[2], 10.0)]];
    let candidates = [candidate(10, &[]), candidate(12, &[]), candidate(1, &[])];
    assert_eq!(chosen(costs.clone(), &candidates, NO_LIMIT), [2, 1]);
    let tight = ChoiceLimits { bytes: Some(11 * MB), ..NO_LIMIT };
    assert_eq!(chosen(costs.clone(), &candidates, tight), [2, 0]);
    let large = [candidate(10, &[]), candidate(110, &[]), candidate(1, &[])];
    assert_eq!(chosen(costs, &large, NO_LIMIT), [2, 0], "half a percent is not worth 100 MB");
}

/// 0 alone serves the second statement: what takes its place would lose that.
#[test]
fn what_other_statements_lose_counts() {
    let statements = [statement(&[0, 1], None), statement(&[0], None)];
    let costs = vec![vec![(&[0][..], 20.0), (&[1], 10.0)], vec![(&[0], 10.0)]];
    let candidates = [candidate(1, &[]), candidate(1, &[])];
    let one = ChoiceLimits { indexes: Some(1), ..NO_LIMIT };
    let mut told = Told { costs, asked: 0, interrupts: None };
    let (_canceller, cancel) = cancel::channel();
    assert_eq!(search(&mut told, &statements, &candidates, one, &cancel).chosen, [0]);
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
fn what_a_chosen_one_begins_with_stays_only_where_that_is_much_larger() {
    let costs = vec![vec![(&[0][..], 1.0), (&[1], 30.0)], vec![(&[1], 10.0)]];
    let pair = |megabytes: u64| [candidate(1, &[]), candidate(megabytes, &[0])];
    assert_eq!(chosen(costs.clone(), &pair(4), NO_LIMIT), [1]);
    assert_eq!(chosen(costs, &pair(5), NO_LIMIT), [1, 0]);
}

#[test]
fn both_stay_where_each_serves_what_the_other_does_not() {
    let costs = vec![vec![(&[0][..], 1.0), (&[1], 90.0)], vec![(&[1], 10.0)]];
    let candidates = [candidate(1, &[]), candidate(50, &[0])];
    let chosen = chosen(costs, &candidates, NO_LIMIT);
    assert_eq!(chosen, [0, 1]);
}

#[test]
fn nothing_is_asked_where_nothing_is_left_to_save() {
    let statements = [statement(&[0, 1], Some(10.0)), statement(&[2], Some(95.0))];
    let costs = vec![vec![(&[0][..], 10.0), (&[1], 11.0)], vec![(&[2], 95.0)]];
    let candidates = [candidate(1, &[]), candidate(1, &[]), candidate(1, &[])];
    let mut told = Told { costs, asked: 0, interrupts: None };
    let (_canceller, cancel) = cancel::channel();
    assert_eq!(search(&mut told, &statements, &candidates, NO_LIMIT, &cancel).chosen, [0]);
    assert_eq!(told.asked, 2, "0 and 1 alone; not 1 beside 0, and never 2");
}

#[test]
fn of_many_only_those_are_asked_about_that_a_plan_reads() {
    let costs = vec![vec![(&[0][..], 10.0), (&[1], 20.0), (&[2], 97.0), (&[3], 98.0)]];
    let candidates = std::iter::repeat_with(|| candidate(1, &[])).take(40).collect::<Vec<_>>();
    let all = (0..candidates.len()).collect::<Vec<_>>();
    let mut told = Told { costs, asked: 0, interrupts: None };
    let (_canceller, cancel) = cancel::channel();
    let statements = [statement(&all, Some(10.0))];
    let choice = search(&mut told, &statements, &candidates, NO_LIMIT, &cancel);
    assert_eq!(choice.chosen, [0]);
    assert_eq!(told.asked, 5, "0, 1 and little is read with all, with others; 0 and 1 alone");
    let nothing_to_save = [statement(&all, Some(96.0))];
    told.asked = 0;
    search(&mut told, &nothing_to_save, &candidates, NO_LIMIT, &cancel);
    assert_eq!(told.asked, 0);
    // The search counts more than the planner: what he takes for little may be much.
    let doubtful = [SearchedStatement { planner_cost: 98.5, ..statement(&all, Some(10.0)) }];
    search(&mut told, &doubtful, &candidates, NO_LIMIT, &cancel);
    assert_eq!(told.asked, 9, "2 and 3 as well");
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
