//! Who stands under whom: the sessions as a forest, each below one that it waits for.

use std::collections::{HashMap, VecDeque};

use crate::facts::activity::ActiveSession;

/// A session in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitNode {
    pub session: ActiveSession,
    /// 0 for those that wait for nobody who is known.
    pub depth: usize,
    /// How many others wait for it, directly or not.
    pub blocks: usize,
    /// It waits for itself by way of others: a deadlock, unless somebody gives way.
    pub is_in_circle: bool,
    /// For whom it waits besides the one that it stands below: pids, and names of prepared
    /// transactions.
    pub also_behind: Vec<String>,
}

/// Puts those that were asked for in order, with those that they wait for and those that wait for
/// them. Who waits stands below one that it waits for: that with the fewest others above, so that a
/// queue is a list and no staircase. Each stands there once, however many it waits for.
pub fn arrange(sessions: Vec<ActiveSession>) -> Vec<WaitNode> {
    let graph = WaitGraph::of(&sessions);
    let shown = graph.related_to_wanted(&sessions);
    let ranking = graph.ranking(&sessions, shown);
    let forest = graph.forest(&ranking);
    let lines = forest.lines();
    let mut sessions = sessions.into_iter().map(Some).collect::<Vec<_>>();
    let names = sessions.iter().flatten().map(name).collect::<Vec<_>>();
    let nodes = lines.into_iter().filter_map(|(at, depth)| {
        let session = sessions[at].take()?;
        let above = forest.parents[at].map(|parent| &names[parent]);
        let mut also_behind = blockers(&session);
        also_behind.retain(|blocker| Some(blocker) != above);
        let blocks = graph.blocked[at].len() - usize::from(graph.blocked[at].has(at));
        let is_in_circle = graph.blocked[at].has(at);
        Some(WaitNode { session, depth, blocks, is_in_circle, also_behind })
    });
    nodes.collect()
}

/// What others call it.
fn name(session: &ActiveSession) -> String {
    session.gid.clone().unwrap_or_else(|| session.pid.to_string())
}

/// All that it waits for.
fn blockers(session: &ActiveSession) -> Vec<String> {
    let nameless = session.blocked_by.contains(&0) && session.blocked_by_gids.is_empty();
    let pids = session.blocked_by.iter().filter(|pid| **pid != 0).map(ToString::to_string);
    let prepared = nameless.then(|| "a prepared transaction".to_owned());
    pids.chain(session.blocked_by_gids.iter().cloned()).chain(prepared).collect()
}

/// Who waits for whom; the numbers are places in the list of sessions.
struct WaitGraph {
    /// Directly.
    blockers: Vec<Vec<usize>>,
    /// Directly.
    waiters: Vec<Vec<usize>>,
    /// Those that wait, directly or not.
    blocked: Vec<Set>,
}

impl WaitGraph {
    fn of(sessions: &[ActiveSession]) -> WaitGraph {
        let places = sessions
            .iter()
            .enumerate()
            .map(|(at, session)| (name(session), at))
            .collect::<HashMap<_, _>>();
        let known = |session| {
            let blockers = blockers(session);
            blockers
                .iter()
                .filter_map(|blocker| places.get(blocker).copied())
                .collect::<Vec<_>>()
        };
        let blockers = sessions.iter().map(known).collect::<Vec<_>>();
        let mut waiters = vec![Vec::new(); sessions.len()];
        for (at, blockers) in blockers.iter().enumerate() {
            for blocker in blockers {
                waiters[*blocker].push(at);
            }
        }
        let blocked = all_blocked(&waiters);
        WaitGraph { blockers, waiters, blocked }
    }

    /// Those that were asked for, who waits for them, and whomever all these wait for.
    fn related_to_wanted(&self, sessions: &[ActiveSession]) -> Vec<usize> {
        let wanted = (0..sessions.len()).filter(|at| sessions[*at].is_wanted);
        let with_waiters = reach(wanted.collect(), &self.waiters);
        reach(with_waiters, &self.blockers)
    }

    /// Who stands above: those that hold up most, then the oldest.
    fn ranking(&self, sessions: &[ActiveSession], mut shown: Vec<usize>) -> Vec<usize> {
        shown.sort_by(|one, other| {
            let blocked = |at: usize| self.blocked[at].len();
            let by_blocked = blocked(*other).cmp(&blocked(*one));
            by_blocked.then(age(&sessions[*other]).total_cmp(&age(&sessions[*one])))
        });
        shown
    }

    /// Each that waits for nobody is a root. Whoever they do not lead to stands in or behind a circle,
    /// which has no beginning, so the first of it becomes one.
    fn forest(&self, ranking: &[usize]) -> Forest {
        let mut forest = Forest::new(self.blockers.len());
        let free = ranking.iter().copied().filter(|at| self.blockers[*at].is_empty());
        forest.grow(free.collect(), &self.waiters, ranking);
        for at in ranking {
            if !forest.is_placed[*at] && self.blocked[*at].has(*at) {
                forest.grow(vec![*at], &self.waiters, ranking);
            }
        }
        forest
    }
}

/// The age of what it does or has begun.
fn age(session: &ActiveSession) -> f64 {
    let ages = [session.transaction_seconds, session.statement_seconds, session.waits_seconds];
    ages.into_iter().flatten().fold(0.0, f64::max)
}

/// Where everybody stands.
struct Forest {
    roots: Vec<usize>,
    parents: Vec<Option<usize>>,
    children: Vec<Vec<usize>>,
    is_placed: Vec<bool>,
}

impl Forest {
    fn new(size: usize) -> Forest {
        Forest {
            roots: Vec::new(),
            parents: vec![None; size],
            children: vec![Vec::new(); size],
            is_placed: vec![false; size],
        }
    }

    /// Lets these roots grow, in breadth: everybody who is to be placed and waits for one of them.
    fn grow(&mut self, roots: Vec<usize>, waiters: &[Vec<usize>], ranking: &[usize]) {
        let mut ranks = vec![None; self.parents.len()];
        for (rank, at) in ranking.iter().enumerate() {
            ranks[*at] = Some(rank);
        }
        for root in &roots {
            self.is_placed[*root] = true;
        }
        let mut queue = roots.iter().copied().collect::<VecDeque<_>>();
        self.roots.extend(roots);
        while let Some(parent) = queue.pop_front() {
            let free = waiters[parent]
                .iter()
                .copied()
                .filter(|at| ranks[*at].is_some() && !self.is_placed[*at]);
            let mut children = free.collect::<Vec<_>>();
            children.sort_by_key(|at| ranks[*at]);
            for child in &children {
                self.is_placed[*child] = true;
                self.parents[*child] = Some(parent);
            }
            queue.extend(&children);
            self.children[parent].extend(children);
        }
    }

    /// From above to below: who, and how far from a root.
    fn lines(&self) -> Vec<(usize, usize)> {
        let mut lines = Vec::new();
        let mut stack = self.roots.iter().rev().map(|root| (*root, 0)).collect::<Vec<_>>();
        while let Some((at, depth)) = stack.pop() {
            lines.push((at, depth));
            stack.extend(self.children[at].iter().rev().map(|child| (*child, depth + 1)));
        }
        lines
    }
}

/// These and whatever the edges lead to from them, without repetition.
fn reach(from: Vec<usize>, edges: &[Vec<usize>]) -> Vec<usize> {
    let mut known = Set::new(edges.len());
    from.iter().for_each(|at| known.add(*at));
    let mut reached = from;
    let mut next = 0;
    while let Some(at) = reached.get(next) {
        let new = edges[*at].iter().copied().filter(|at| !known.has(*at)).collect::<Vec<_>>();
        new.iter().for_each(|at| known.add(*at));
        reached.extend(new);
        next += 1;
    }
    reached
}

/// For each, who waits for it, directly or not.
fn all_blocked(waiters: &[Vec<usize>]) -> Vec<Set> {
    let direct = waiters
        .iter()
        .map(|own| {
            let mut set = Set::new(waiters.len());
            own.iter().for_each(|waiter| set.add(*waiter));
            set
        })
        .collect::<Vec<_>>();
    let all = (0..direct.len()).map(|at| {
        let mut blocked = direct[at].clone();
        let mut stack = waiters[at].clone();
        while let Some(next) = stack.pop() {
            stack.extend(blocked.absorb(&direct[next]));
        }
        blocked
    });
    all.collect()
}

/// A set of places. A thousand sessions that wait for one row all wait for each other in turn; as bits
/// that takes no time.
#[derive(Debug, Clone)]
struct Set(Vec<u64>);

impl Set {
    fn new(size: usize) -> Set {
        Set(vec![0; size.div_ceil(64)])
    }

    fn add(&mut self, at: usize) {
        self.0[at / 64] |= 1 << (at % 64);
    }

    fn has(&self, at: usize) -> bool {
        self.0[at / 64] & 1 << (at % 64) != 0
    }

    fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Takes all of the others in; returns those that are new.
    fn absorb(&mut self, others: &Set) -> Vec<usize> {
        let mut added = Vec::new();
        for (at, (word, other)) in self.0.iter_mut().zip(&others.0).enumerate() {
            let mut new = other & !*word;
            *word |= new;
            while new != 0 {
                added.push(at * 64 + new.trailing_zeros() as usize);
                new &= new - 1;
            }
        }
        added
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A session that waits for these.
    fn session(pid: i32, blocked_by: &[i32]) -> ActiveSession {
        let blocked_by = blocked_by.to_vec();
        ActiveSession { pid, blocked_by, is_wanted: true, ..ActiveSession::default() }
    }

    fn drawn(sessions: Vec<ActiveSession>) -> Vec<String> {
        let nodes = arrange(sessions).into_iter().map(|node| {
            let indent = "  ".repeat(node.depth);
            let circle = if node.is_in_circle { " circle" } else { "" };
            let also = node.also_behind.join(",");
            let name = name(&node.session);
            format!("{indent}{name} blocks {}{circle} {also}", node.blocks)
                .trim_end()
                .to_owned()
        });
        nodes.collect()
    }

    #[test]
    fn who_waits_stands_below_whom_it_waits_for() {
        let sessions = vec![session(3, &[2]), session(4, &[]), session(2, &[1]), session(1, &[])];
        let wanted = ["1 blocks 2", "  2 blocks 1", "    3 blocks 0", "4 blocks 0"];
        assert_eq!(drawn(sessions), wanted);
        assert!(drawn(Vec::new()).is_empty());
    }

    #[test]
    fn who_waits_for_several_stands_there_once() {
        let sessions = vec![session(1, &[]), session(2, &[1]), session(3, &[1, 2])];
        assert_eq!(drawn(sessions), ["1 blocks 2", "  2 blocks 1", "  3 blocks 0 2"]);
    }

    #[test]
    fn a_circle_has_an_end() {
        let sessions = vec![session(1, &[2]), session(2, &[1]), session(3, &[2]), session(4, &[4])];
        let wanted = [
            "1 blocks 2 circle 2",
            "  2 blocks 2 circle",
            "    3 blocks 0",
            "4 blocks 0 circle 4",
        ];
        assert_eq!(drawn(sessions), wanted);
    }

    #[test]
    fn a_circle_behind_somebody_hangs_from_him() {
        let sessions = vec![session(2, &[1, 3]), session(3, &[2]), session(1, &[])];
        let wanted = ["1 blocks 2", "  2 blocks 1 circle 3", "    3 blocks 1 circle"];
        assert_eq!(drawn(sessions), wanted);
    }

    #[test]
    fn prepared_transactions_are_told_apart_by_name() {
        let prepared = |gid: &str| ActiveSession { gid: Some(gid.to_owned()), ..session(0, &[]) };
        let behind = |pid, gids: &[&str]| ActiveSession {
            blocked_by_gids: gids.iter().map(ToString::to_string).collect(),
            ..session(pid, &[0])
        };
        let sessions = vec![
            prepared("other"),
            prepared("order"),
            behind(1, &["order"]),
            behind(2, &[]),
            session(3, &[99]),
        ];
        let wanted = [
            "order blocks 1",
            "  1 blocks 0",
            "other blocks 0",
            "2 blocks 0 a prepared transaction",
            "3 blocks 0 99",
        ];
        assert_eq!(drawn(sessions), wanted);
    }

    #[test]
    fn strangers_are_shown_with_those_that_they_concern() {
        let stranger = |pid, blocked_by: &[i32]| ActiveSession {
            is_wanted: false,
            ..session(pid, blocked_by)
        };
        let sessions = vec![
            stranger(1, &[]),
            session(2, &[1]),
            stranger(3, &[2, 4]),
            stranger(4, &[]),
            stranger(5, &[4]),
            stranger(6, &[]),
        ];
        let wanted = ["1 blocks 2", "  2 blocks 1", "4 blocks 2", "  3 blocks 0 2"];
        assert_eq!(drawn(sessions), wanted);
    }

    #[test]
    fn the_oldest_come_first() {
        let old = |pid, seconds| ActiveSession {
            transaction_seconds: Some(seconds),
            ..session(pid, &[])
        };
        let sessions = vec![old(1, 5.0), old(2, 50.0), session(3, &[])];
        assert_eq!(drawn(sessions), ["2 blocks 0", "1 blocks 0", "3 blocks 0"]);
    }

    #[test]
    fn a_long_queue_takes_no_time_and_no_width() {
        let queue = (1..=1000).map(|pid| session(pid, &(1..pid).collect::<Vec<_>>()));
        let nodes = arrange(queue.collect());
        assert_eq!(nodes.len(), 1000);
        assert_eq!((nodes[0].blocks, nodes[0].depth), (999, 0));
        assert!(nodes[1..].iter().all(|node| node.depth == 1));
    }
}
