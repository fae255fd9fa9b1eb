//! What is measured, as it comes in.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// Latencies: each is counted, to three digits.
#[derive(Debug, Clone)]
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        Latencies::of_digits(3)
    }
}

/// Percentiles in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    pub p50: f64,
    pub p90: f64,
    pub p95: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

impl Latencies {
    #[expect(clippy::expect_used, reason = "one to five digits are never refused")]
    fn of_digits(digits: u8) -> Self {
        Latencies(Histogram::new(digits).expect("a histogram of few digits"))
    }

    pub fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        // It grows as far as it has to: it refuses nothing.
        let _ = self.0.record(micros.max(1));
    }

    fn add(&mut self, other: &Latencies) {
        // A histogram that grows takes what another one holds.
        let _ = self.0.add(&other.0);
    }

    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency that this share of them does not exceed, in milliseconds.
    pub fn at(&self, share: f64) -> f64 {
        self.0.value_at_quantile(share) as f64 / 1e3
    }

    /// `None` where there is none.
    pub fn percentiles(&self) -> Option<Percentiles> {
        (self.count() > 0).then(|| Percentiles {
            p50: self.at(0.5),
            p90: self.at(0.9),
            p95: self.at(0.95),
            p99: self.at(0.99),
            p999: self.at(0.999),
            max: self.0.max() as f64 / 1e3,
        })
    }
}

/// What became of one statement.
#[derive(Debug, Clone, Default)]
pub struct StatementTally {
    pub latencies: Latencies,
    pub rows: u64,
    pub errors: u64,
}

/// What one SQLSTATE stands for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorTally {
    pub count: u64,
    /// The first message.
    pub message: String,
}

/// What became of all requests of a span of time.
#[derive(Debug, Clone)]
pub struct Tally {
    /// Of whole requests.
    pub latencies: Latencies,
    pub statements: Vec<StatementTally>,
    pub errors: BTreeMap<String, ErrorTally>,
    pub course: Course,
}

impl Tally {
    fn new(statements: usize, slot: Duration) -> Self {
        Tally {
            latencies: Latencies::default(),
            statements: vec![StatementTally::default(); statements],
            errors: BTreeMap::new(),
            course: Course { slot, slots: Vec::new() },
        }
    }

    /// Requests that failed, each with one error.
    pub fn failed(&self) -> u64 {
        self.errors.values().map(|error| error.count).sum()
    }
}

/// How it went from moment to moment.
#[derive(Debug, Clone)]
pub struct Course {
    /// How long each part is.
    pub slot: Duration,
    pub slots: Vec<Slot>,
}

/// The requests that were due in one part.
#[derive(Debug, Clone)]
pub struct Slot {
    pub latencies: Latencies,
    pub errors: u64,
}

impl Default for Slot {
    fn default() -> Self {
        Slot { latencies: Latencies::of_digits(2), errors: 0 }
    }
}

/// Where there would be more parts, two become one.
const MOST_SLOTS: usize = 240;

impl Course {
    fn slot(&mut self, after: Duration) -> &mut Slot {
        let mut at = self.place(after);
        while at >= MOST_SLOTS {
            self.halve();
            at = self.place(after);
        }
        if self.slots.len() <= at {
            self.slots.resize_with(at + 1, Slot::default);
        }
        &mut self.slots[at]
    }

    fn place(&self, after: Duration) -> usize {
        (after.as_nanos() / self.slot.as_nanos().max(1)) as usize
    }

    fn halve(&mut self) {
        let pairs = self.slots.chunks(2).map(|pair| {
            let mut slot = pair[0].clone();
            for other in &pair[1..] {
                slot.latencies.add(&other.latencies);
                slot.errors += other.errors;
            }
            slot
        });
        self.slots = pairs.collect();
        self.slot *= 2;
    }
}

/// A span of time in which is counted.
#[derive(Debug, Clone)]
pub struct Phase {
    pub name: &'static str,
    pub from: Instant,
    pub until: Option<Instant>,
    pub tally: Tally,
    /// What sessions were seen doing, and how often.
    pub waits: BTreeMap<(String, String), u64>,
}

impl Phase {
    pub fn new(name: &'static str, statements: usize, slot: Duration) -> Self {
        Phase {
            name,
            from: Instant::now(),
            until: None,
            tally: Tally::new(statements, slot),
            waits: BTreeMap::new(),
        }
    }

    /// How long it took, or has taken.
    pub fn duration(&self) -> Duration {
        self.until.map_or_else(|| self.from.elapsed(), |until| until - self.from)
    }

    /// Requests that were answered, each second.
    pub fn rate(&self) -> f64 {
        self.tally.latencies.count() as f64 / self.duration().as_secs_f64().max(1e-9)
    }
}

/// The spans one after the other. What was due before the first warms up, and is not counted.
#[derive(Debug, Default)]
pub struct Recorder {
    pub phases: Vec<Phase>,
}

impl Recorder {
    /// The last one ends, and another begins.
    pub fn begin(&mut self, phase: Phase) {
        self.end(phase.from);
        self.phases.push(phase);
    }

    /// The last one ends, if it has not.
    pub fn end(&mut self, at: Instant) {
        if let Some(last) = self.phases.last_mut() {
            last.until.get_or_insert(at);
        }
    }

    fn phase(&mut self, due: Instant) -> Option<&mut Phase> {
        let mut phases = self.phases.iter_mut().rev();
        let phase = phases.find(|phase| phase.from <= due)?;
        phase.until.is_none_or(|until| due < until).then_some(phase)
    }

    /// A statement of a request that was due then was answered.
    pub fn answered(&mut self, due: Instant, statement: usize, latency: Duration, rows: u64) {
        if let Some(phase) = self.phase(due) {
            let tally = &mut phase.tally.statements[statement];
            tally.latencies.record(latency);
            tally.rows += rows;
        }
    }

    /// All of a request was answered.
    pub fn done(&mut self, due: Instant, latency: Duration) {
        if let Some(phase) = self.phase(due) {
            phase.tally.latencies.record(latency);
            phase.tally.course.slot(due - phase.from).latencies.record(latency);
        }
    }

    /// A request failed.
    pub fn failed(
        &mut self,
        due: Instant,
        statement: Option<usize>,
        sqlstate: &str,
        message: &str,
    ) {
        let Some(phase) = self.phase(due) else {
            return;
        };
        if let Some(at) = statement {
            phase.tally.statements[at].errors += 1;
        }
        let error = phase.tally.errors.entry(sqlstate.to_owned()).or_default();
        error.count += 1;
        if error.message.is_empty() {
            message.clone_into(&mut error.message);
        }
        phase.tally.course.slot(due - phase.from).errors += 1;
    }

    /// Sessions were seen doing this, just now.
    pub fn seen(&mut self, doing: impl Iterator<Item = (String, String)>) {
        let open = self.phases.last_mut().filter(|phase| phase.until.is_none());
        let Some(phase) = open else { return };
        for what in doing {
            *phase.waits.entry(what).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn percentiles_are_of_all_that_was_recorded() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.percentiles(), None);
        (1..=1000).for_each(|millis| latencies.record(ms(millis)));
        let found = latencies.percentiles().unwrap();
        let near = |value: f64, wanted: f64| (value / wanted - 1.0).abs() < 0.002;
        assert!(near(found.p50, 500.0) && near(found.p99, 990.0), "{found:?}");
        assert!(near(found.p999, 999.0) && near(found.max, 1000.0), "{found:?}");
    }

    #[test]
    fn what_is_due_before_a_phase_or_after_it_is_not_counted() {
        let mut recorder = Recorder::default();
        let before = Instant::now();
        recorder.done(before, ms(1));
        recorder.begin(Phase::new("measured", 1, ms(100)));
        let from = recorder.phases[0].from;
        recorder.done(from, ms(5));
        recorder.answered(from + ms(250), 0, ms(5), 3);
        recorder.failed(from + ms(250), Some(0), "57014", "too long");
        recorder.failed(from + ms(250), None, "57014", "again");
        recorder.end(from + ms(300));
        recorder.done(from + ms(300), ms(5));
        let Phase { tally, .. } = &recorder.phases[0];
        assert_eq!((tally.latencies.count(), tally.failed()), (1, 2));
        assert_eq!((tally.statements[0].rows, tally.statements[0].errors), (3, 1));
        assert_eq!(tally.errors["57014"].message, "too long");
        let errors = tally.course.slots.iter().map(|slot| slot.errors).collect::<Vec<_>>();
        assert_eq!(errors, [0, 0, 2]);
    }

    #[test]
    fn a_long_run_has_longer_parts_and_not_more() {
        let mut course = Course { slot: ms(10), slots: Vec::new() };
        for at in 0..1000 {
            course.slot(ms(at * 10)).latencies.record(ms(1));
        }
        assert_eq!(course.slot, ms(80));
        assert_eq!(course.slots.len(), 125);
        assert!(course.slots.iter().all(|slot| slot.latencies.count() == 8));
    }
}
