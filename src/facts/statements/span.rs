//! What statements did in a span of time: the difference of counters, right across resets, evictions
//! and restarts.

use std::collections::HashMap;

use super::{
    CountedStatement, Counter, CounterKind, CounterMoment, CounterReading, Counters, StatementKey,
};

/// A statement's counters of a span.
#[derive(Debug, Clone, PartialEq)]
pub struct StatementDelta {
    pub key: StatementKey,
    pub counters: Counters,
    /// Its counters began anew within the span, so that some of it is missing.
    pub is_partial: bool,
    /// The counters of the span that it is compared with.
    pub before: Option<Counters>,
}

impl StatementDelta {
    /// A statement's counters as they stand.
    pub fn whole(statement: &CountedStatement) -> Self {
        StatementDelta {
            key: statement.key,
            counters: statement.counters,
            is_partial: false,
            before: None,
        }
    }

    /// How many times the mean of the span before its mean is; `None` where one is not known.
    pub fn slowdown(&self) -> Option<f64> {
        let before = self.before.as_ref()?.mean().filter(|before| *before > 0.0)?;
        Some(self.counters.mean()? / before)
    }

    /// How much more time its executions took than they would have in the span before, in ms.
    pub fn lost_ms(&self) -> Option<f64> {
        let more = self.counters.mean()? - self.before.as_ref()?.mean()?;
        Some(more * self.counters.or_zero(Counter::Calls))
    }
}

/// One statement of a later reading.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Its counters are these now.
    Now(Box<CountedStatement>),
    /// It is not counted any more: evicted, or reset and not seen since.
    Gone(StatementKey),
}

/// Adds up what was counted between two moments, reading by reading.
#[derive(Debug, Clone)]
pub struct Span {
    pub begins: CounterMoment,
    /// Where it ends so far.
    pub ends: CounterMoment,
    /// Resets of all counters in between.
    pub resets: usize,
    /// Statements that were left out, because nobody knows what they had been at in the beginning.
    pub unknown: usize,
    /// Until a reading of all statements what is not known may have been there all the time.
    is_blind: bool,
    states: HashMap<StatementKey, CountedStatement>,
    sums: HashMap<StatementKey, StatementDelta>,
}

impl Span {
    /// A span that begins with this reading.
    pub fn from(reading: CounterReading) -> Self {
        let states = reading.statements.into_iter().map(|statement| (statement.key, statement));
        Span {
            is_blind: reading.moment.hidden > 0,
            begins: reading.moment.clone(),
            ends: reading.moment,
            resets: 0,
            unknown: 0,
            states: states.collect(),
            sums: HashMap::new(),
        }
    }

    /// Goes on to a reading of all statements.
    pub fn read(&mut self, reading: CounterReading) {
        let present = reading
            .statements
            .iter()
            .map(|statement| statement.key)
            .collect::<std::collections::HashSet<_>>();
        let gone = self
            .states
            .keys()
            .filter(|key| !present.contains(key))
            .copied()
            .map(Change::Gone)
            .collect::<Vec<_>>();
        let now = reading.statements.into_iter().map(|statement| Change::Now(Box::new(statement)));
        self.change(reading.moment, gone.into_iter().chain(now));
    }

    /// Goes on to a moment at which only these statements have changed.
    pub fn change(&mut self, moment: CounterMoment, changes: impl Iterator<Item = Change>) {
        let was_reset = moment.reset_epoch != self.ends.reset_epoch
            && moment.reset_epoch.is_some()
            && self.ends.reset_epoch.is_some();
        if was_reset {
            self.resets += 1;
            self.states.clear();
        }
        let evictions = moment.evictions.zip(self.ends.evictions);
        let has_evicted = evictions.is_some_and(|(now, before)| now > before);
        let is_seen_whole = moment.hidden == 0;
        for change in changes {
            match change {
                Change::Gone(key) => drop(self.states.remove(&key)),
                Change::Now(now) => self.advance(*now, was_reset, has_evicted),
            }
        }
        self.is_blind &= !is_seen_whole;
        self.ends = moment;
    }

    fn advance(&mut self, now: CountedStatement, was_reset: bool, has_evicted: bool) {
        let before = self.states.get(&now.key);
        let is_new = now.stats_since.is_some_and(|since| since >= self.begins.taken_epoch);
        if before.is_none() && self.is_blind && !was_reset && !is_new {
            self.unknown += 1;
            self.states.insert(now.key, now);
            return;
        }
        let known = before.filter(|before| !is_anew(before, &now));
        let part = difference(known.map(|before| &before.counters), &now.counters);
        let is_partial = known.is_none() && (before.is_some() || was_reset || has_evicted);
        let reached = known.and_then(|before| before.counters.get(Counter::Max));
        let least = known.and_then(|before| before.counters.get(Counter::Min));
        if part.or_zero(Counter::Calls) > 0.0 || part.or_zero(Counter::Plans) > 0.0 {
            let sum = self.sums.entry(now.key).or_insert_with(|| StatementDelta {
                key: now.key,
                counters: Counters::default(),
                is_partial: false,
                before: None,
            });
            sum.counters = together(&sum.counters, &part, least, reached);
            sum.is_partial |= is_partial;
        }
        self.states.insert(now.key, now);
    }

    /// What was counted, statement by statement.
    pub fn counted(&self) -> Vec<StatementDelta> {
        let mut counted = self.sums.values().cloned().collect::<Vec<_>>();
        counted.sort_by_key(|counted| counted.key);
        counted
    }

    /// Statements that the server had to forget within the span.
    pub fn evictions(&self) -> i64 {
        let known = self.begins.evictions.zip(self.ends.evictions);
        let Some((before, after)) = known else {
            return 0;
        };
        if self.resets > 0 || after < before {
            after
        } else {
            after.saturating_sub(before)
        }
    }

    /// Whether the server was started anew within the span.
    pub fn has_restarted(&self) -> bool {
        (self.ends.started_epoch - self.begins.started_epoch).abs() > 1e-3
    }
}

/// Whether the counters were begun again since: they went back, or the server says so.
fn is_anew(before: &CountedStatement, now: &CountedStatement) -> bool {
    let since = before.stats_since.zip(now.stats_since);
    let went_back = |counter| {
        let known = before.counters.get(counter).zip(now.counters.get(counter));
        known.is_some_and(|(before, now)| now < before)
    };
    since.is_some_and(|(before, now)| (now - before).abs() > 1e-3)
        || went_back(Counter::Calls)
        || went_back(Counter::Plans)
        || went_back(Counter::Rows)
}

/// What came on top of `before`.
fn difference(before: Option<&Counters>, now: &Counters) -> Counters {
    let Some(before) = before else { return *now };
    let mut part = Counters::default();
    for counter in Counter::all().filter(|counter| counter.kind() != CounterKind::Extreme) {
        let value = now.get(counter).map(|now| (now - before.or_zero(counter)).max(0.0));
        part.set(counter, value);
    }
    let new = |counter, is_new: fn(f64, f64) -> bool| {
        let known = before.get(counter).zip(now.get(counter));
        known.filter(|(before, now)| is_new(*before, *now)).map(|(_, now)| now)
    };
    part.set(Counter::Max, new(Counter::Max, |before, now| now > before));
    part.set(Counter::Min, new(Counter::Min, |before, now| now < before));
    let squares = spread(now)
        .zip(spread(before))
        .map(|(now_squares, before_squares)| now_squares - before_squares - between(before, &part));
    part.set(Counter::Deviation, deviation(squares, part.or_zero(Counter::Calls)));
    part
}

/// Two spans in one. `least`, `reached`: the extremes before the second, which say whether those of
/// the first still stand where the second has none of its own.
fn together(
    first: &Counters,
    second: &Counters,
    least: Option<f64>,
    reached: Option<f64>,
) -> Counters {
    if first.or_zero(Counter::Calls) == 0.0 {
        return *second;
    }
    if second.or_zero(Counter::Calls) == 0.0 {
        let mut sum = *first;
        for counter in [Counter::Plans, Counter::PlanTime] {
            sum.set(counter, added(first.get(counter), second.get(counter)));
        }
        return sum;
    }
    let mut sum = Counters::default();
    for counter in Counter::all().filter(|counter| counter.kind() != CounterKind::Extreme) {
        sum.set(counter, added(first.get(counter), second.get(counter)));
    }
    let (max, min) = (first.get(Counter::Max), first.get(Counter::Min));
    sum.set(
        Counter::Max,
        match (max, second.get(Counter::Max)) {
            (Some(first), Some(second)) => Some(first.max(second)),
            (Some(first), None) => reached.filter(|reached| first >= *reached).map(|_| first),
            (None, Some(second)) => reached.filter(|reached| second > *reached).map(|_| second),
            (None, None) => None,
        },
    );
    sum.set(
        Counter::Min,
        match (min, second.get(Counter::Min)) {
            (Some(first), Some(second)) => Some(first.min(second)),
            (Some(first), None) => least.filter(|least| first <= *least).map(|_| first),
            (None, Some(second)) => least.filter(|least| second < *least).map(|_| second),
            (None, None) => None,
        },
    );
    let squares = spread(first).zip(spread(second)).map(|(first_squares, second_squares)| {
        first_squares + second_squares + between(first, second)
    });
    sum.set(Counter::Deviation, deviation(squares, sum.or_zero(Counter::Calls)));
    sum
}

fn added(first: Option<f64>, second: Option<f64>) -> Option<f64> {
    match (first, second) {
        (None, None) => None,
        (first, second) => Some(first.unwrap_or(0.0) + second.unwrap_or(0.0)),
    }
}

/// The sum of the squared distances from the mean.
fn spread(counters: &Counters) -> Option<f64> {
    let deviation = counters.get(Counter::Deviation)?;
    Some(deviation * deviation * counters.or_zero(Counter::Calls))
}

/// What the distance between two means adds to the squares of both together (Chan, Golub and LeVeque,
/// Updating Formulae, 1979).
fn between(first: &Counters, second: &Counters) -> f64 {
    let (n, m) = (first.or_zero(Counter::Calls), second.or_zero(Counter::Calls));
    let means = first.mean().zip(second.mean());
    means.map_or(0.0, |(first, second)| (second - first).powi(2) * n * m / (n + m))
}

fn deviation(squares: Option<f64>, calls: f64) -> Option<f64> {
    (calls > 0.0).then(|| squares.map(|squares| (squares.max(0.0) / calls).sqrt()))?
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The counters after executions that took so many ms.
    fn after(times: &[f64]) -> CountedStatement {
        let calls = times.len() as f64;
        let total = times.iter().sum::<f64>();
        let squares = times.iter().map(|time| (time - total / calls).powi(2)).sum::<f64>();
        let mut counters = Counters::default();
        counters.set(Counter::Calls, Some(calls));
        counters.set(Counter::Total, Some(total));
        counters.set(Counter::Min, times.iter().copied().reduce(f64::min));
        counters.set(Counter::Max, times.iter().copied().reduce(f64::max));
        counters.set(Counter::Deviation, Some((squares / calls).sqrt()));
        let key = StatementKey { dbid: 1, userid: 2, queryid: 3, toplevel: true };
        CountedStatement { key, counters, stats_since: None }
    }

    fn reading(reset: f64, evictions: i64, statements: Vec<CountedStatement>) -> CounterReading {
        let moment = CounterMoment {
            reset_epoch: Some(reset),
            evictions: Some(evictions),
            ..CounterMoment::default()
        };
        CounterReading { moment, statements }
    }

    fn only(span: &Span) -> StatementDelta {
        let counted = span.counted();
        assert_eq!(counted.len(), 1);
        counted[0].clone()
    }

    #[test]
    fn the_difference_is_what_was_done_in_between() {
        let mut span = Span::from(reading(1.0, 0, vec![after(&[5.0, 20.0])]));
        span.read(reading(1.0, 0, vec![after(&[5.0, 20.0, 7.0, 9.0])]));
        let counted = only(&span);
        let expected = after(&[7.0, 9.0]).counters;
        assert_eq!(counted.counters.get(Counter::Calls), Some(2.0));
        assert_eq!(counted.counters.get(Counter::Total), Some(16.0));
        let deviation = counted.counters.get(Counter::Deviation).unwrap();
        assert!(
            (deviation - expected.get(Counter::Deviation).unwrap()).abs() < 1e-9,
            "{deviation}"
        );
        // Both are between the extremes from before, so nobody knows.
        assert_eq!(
            (counted.counters.get(Counter::Min), counted.counters.get(Counter::Max)),
            (None, None)
        );
        assert!(!counted.is_partial);
        span.read(reading(1.0, 0, vec![after(&[5.0, 20.0, 7.0, 9.0, 50.0])]));
        assert_eq!(only(&span).counters.get(Counter::Max), Some(50.0));
        assert_eq!(only(&span).counters.get(Counter::Calls), Some(3.0));
    }

    #[test]
    fn what_is_new_counts_as_a_whole() {
        let mut span = Span::from(reading(1.0, 0, Vec::new()));
        span.read(reading(1.0, 0, vec![after(&[5.0, 20.0])]));
        assert_eq!(only(&span).counters, after(&[5.0, 20.0]).counters);
        assert!(!only(&span).is_partial);
        span.read(reading(1.0, 0, vec![after(&[5.0, 20.0, 2.0, 30.0])]));
        let counted = only(&span);
        let all = after(&[5.0, 20.0, 2.0, 30.0]).counters;
        assert_eq!(counted.counters.get(Counter::Max), Some(30.0));
        assert_eq!(counted.counters.get(Counter::Min), Some(2.0));
        let deviation = counted.counters.get(Counter::Deviation).unwrap();
        assert!((deviation - all.get(Counter::Deviation).unwrap()).abs() < 1e-9, "{deviation}");
    }

    #[test]
    fn counters_that_went_back_begin_anew_and_that_is_said() {
        let mut span = Span::from(reading(1.0, 0, vec![after(&[1.0; 10])]));
        span.read(reading(1.0, 0, vec![after(&[1.0; 12])]));
        span.read(reading(1.0, 0, vec![after(&[1.0; 3])]));
        let counted = only(&span);
        assert_eq!(counted.counters.get(Counter::Calls), Some(5.0));
        assert!(counted.is_partial);
    }

    #[test]
    fn after_a_reset_every_statement_counts_from_zero() {
        let mut span = Span::from(reading(1.0, 7, vec![after(&[1.0; 3])]));
        span.read(reading(2.0, 1, vec![after(&[1.0; 4])]));
        assert_eq!(only(&span).counters.get(Counter::Calls), Some(4.0));
        assert!(only(&span).is_partial);
        assert_eq!((span.resets, span.evictions()), (1, 1));
    }

    #[test]
    fn what_was_evicted_and_came_back_begins_anew() {
        let mut span = Span::from(reading(1.0, 0, vec![after(&[1.0; 3])]));
        span.read(reading(1.0, 1, Vec::new()));
        span.read(reading(1.0, 1, vec![after(&[1.0; 5])]));
        assert_eq!(only(&span).counters.get(Counter::Calls), Some(5.0));
        // Here the server itself says that it is another count.
        let since =
            |since, times: &[f64]| CountedStatement { stats_since: Some(since), ..after(times) };
        let mut span = Span::from(reading(1.0, 0, vec![since(10.0, &[1.0; 3])]));
        span.read(reading(1.0, 1, vec![since(20.0, &[1.0; 5])]));
        assert_eq!(only(&span).counters.get(Counter::Calls), Some(5.0));
        assert!(only(&span).is_partial);
    }

    #[test]
    fn what_nobody_saw_in_the_beginning_is_left_out_and_counted() {
        let blind = CounterMoment {
            hidden: 5,
            reset_epoch: Some(1.0),
            ..CounterMoment::default()
        };
        let mut span = Span::from(CounterReading { moment: blind, statements: Vec::new() });
        span.read(reading(1.0, 0, vec![after(&[1.0; 50])]));
        assert_eq!((span.counted(), span.unknown), (Vec::new(), 1));
        span.read(reading(1.0, 0, vec![after(&[1.0; 53])]));
        assert_eq!(only(&span).counters.get(Counter::Calls), Some(3.0));
    }

    #[test]
    fn a_reset_holds_for_statements_that_only_a_later_reading_shows() {
        let mut span = Span::from(reading(1.0, 0, vec![after(&[1.0; 74])]));
        let blind = CounterMoment {
            hidden: 1,
            reset_epoch: Some(2.0),
            ..CounterMoment::default()
        };
        span.change(blind, std::iter::empty());
        span.read(reading(2.0, 0, vec![after(&[1.0; 150])]));
        assert_eq!(only(&span).counters.get(Counter::Calls), Some(150.0));
    }

    #[test]
    fn what_was_not_executed_is_not_told() {
        let mut span = Span::from(reading(1.0, 0, vec![after(&[1.0; 3])]));
        span.read(reading(1.0, 0, vec![after(&[1.0; 3])]));
        assert_eq!(span.counted(), Vec::new());
    }
}
