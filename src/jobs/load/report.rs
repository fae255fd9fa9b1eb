//! What was measured.

use std::time::Duration;

use super::Args;
use super::compare::{Compared, Comparison, Earlier, Verdict};
use super::document::{CourseDocument, LoadDocument};
use super::during::Ended;
use super::figures::{Latencies, Percentiles, Phase};
use super::plan::Statement;
use crate::cancel::Signal;
use crate::facts::Known;
use crate::facts::throughput::Throughput;
use crate::format;
use crate::output::table::{Narrow, cell, fitted, right, table};
use crate::output::wrap::prose;
use crate::output::{Head, Outcome, Report, Style, Text};
use crate::warning::Warning;

/// How it was measured.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    pub rate: Option<f64>,
    pub clients: usize,
    pub seed: u64,
    pub warm_up: Duration,
}

impl Setup {
    pub fn of(args: &Args, seed: u64) -> Self {
        let Args { rate, warm_up, .. } = *args;
        Setup { rate, clients: args.clients(), seed, warm_up }
    }
}

/// The phase in which a command runs.
pub const MEANWHILE: &str = "meanwhile";

#[derive(Debug)]
pub struct LoadReport {
    /// What stopped it, if it did not end by itself.
    pub signal: Option<Signal>,
    pub setup: Setup,
    pub statements: Vec<Statement>,
    /// In their order.
    pub phases: Vec<PhaseReport>,
    /// The command that ran meanwhile.
    pub during: Option<Ended>,
    pub comparison: Option<Comparison>,
    pub warnings: Vec<Warning>,
}

/// A span of time, and what the server says of it.
#[derive(Debug)]
pub struct PhaseReport {
    pub phase: Phase,
    /// Requests that were due in it and were not sent.
    pub unsent: usize,
    pub server: Known<Throughput>,
}

impl Report for LoadReport {
    fn outcome(&self) -> Outcome {
        let has_failed = |ended: &Ended| ended.exit_code != 0;
        match self.signal {
            Some(signal) => Outcome::Cancelled(signal),
            None if self.during.as_ref().is_some_and(has_failed) => Outcome::Failed,
            None if self.comparison.as_ref().is_some_and(Comparison::is_slower) => {
                Outcome::Findings
            }
            None => Outcome::Done,
        }
    }

    fn json(&self, head: Head) -> String {
        head.document(self.outcome(), LoadDocument::new(self), &self.told())
    }

    fn text(&self, style: &Style) -> Text {
        let mut text = Text::default();
        text.warnings(&self.told(), style);
        let Some(main) = self.main_phase() else {
            text.narrate("It was stopped before anything was measured.");
            return text;
        };
        text.product(self.statements_table(main, style.width));
        let said = |lines: &str| format!("\n{}", prose(lines, style.width));
        text.product(said(&(lines(main).join("\n") + "\n")));
        if let Some(comparison) = &self.comparison {
            text.product(said(&compared_lines(comparison)));
        }
        if let Some(ended) = &self.during {
            let Ended { command, duration, .. } = ended;
            let took = format::duration(*duration);
            text.product(said(&format!(
                "{command} ran for {took}; the figures above are those meanwhile.\n\n"
            )));
            text.product(self.phases_table(style.width));
        }
        text
    }
}

impl LoadReport {
    /// The one that was asked about: where a command ran, meanwhile.
    pub fn main_phase(&self) -> Option<&PhaseReport> {
        let meanwhile = self.phases.iter().find(|report| report.phase.name == MEANWHILE);
        meanwhile.or(self.phases.first())
    }

    /// Beside an earlier run; `None` where nothing was answered, or the run was stopped.
    pub fn compared(&self, earlier: &Earlier, limit: f64) -> Option<Comparison> {
        let tally = &self.main_phase().filter(|_| self.signal.is_none())?.phase.tally;
        let course = CourseDocument::new(&tally.course);
        Some(earlier.with(tally.latencies.percentiles()?, &course, limit))
    }

    fn phases_table(&self, width: Option<u16>) -> String {
        let titles = ["", "for", "requests", "errors", "a second", "median", "p99", "longest"];
        let mut table = table(&titles);
        for PhaseReport { phase, .. } in &self.phases {
            let [median, .., p99, _, longest] = shown_of(&phase.tally.latencies);
            table.add_row(vec![
                cell(phase.name),
                right(format::duration(phase.duration())),
                right(whole(phase.tally.latencies.count())),
                right(whole(phase.tally.failed())),
                right(decimal(phase.rate())),
                right(median),
                right(p99),
                right(longest),
            ]);
        }
        fitted(&table, Narrow { wraps: "", drops: &["for"], alike: &[] }, width)
    }

    /// What is to be known about the figures, too.
    fn told(&self) -> Vec<Warning> {
        let unsent = self.phases.iter().map(|phase| phase.unsent).sum::<usize>();
        let rate = self.setup.rate.filter(|_| unsent > 0);
        let behind = rate.map(|rate| Warning {
            rule: "rate-not-reached",
            object: format!("{rate} a second"),
            message: format!(
                "{} due and not sent at the end: none of {} was free. The latencies of those that were sent count \
                 the waiting; give a lower --rate, or more --clients",
                format::count(unsent, "request was", "requests were"),
                format::count(self.setup.clients, "client", "clients")
            ),
        });
        let failed = self.during.as_ref().filter(|ended| ended.exit_code != 0).map(
            |Ended { command, exit_code, .. }| Warning {
                rule: "command-failed",
                object: command.clone(),
                message: format!("it exited with {exit_code}"),
            },
        );
        let uncertain = self.comparison.as_ref().and_then(Comparison::uncertainty);
        let told = self.warnings.iter().cloned();
        told.chain(behind).chain(failed).chain(uncertain).collect()
    }

    fn statements_table(&self, phase: &PhaseReport, width: Option<u16>) -> String {
        let titles =
            ["statement", "sent", "errors", "median", "p90", "p95", "p99", "p99.9", "longest"];
        let mut table = table(&titles);
        for (statement, tally) in self.statements.iter().zip(&phase.phase.tally.statements) {
            let mut row = vec![
                cell(&statement.name),
                right(whole(tally.latencies.count())),
                right(whole(tally.errors)),
            ];
            row.extend(shown_of(&tally.latencies).map(right));
            table.add_row(row);
        }
        let drops = &["p90", "p99.9", "p95"];
        fitted(&table, Narrow { wraps: "statement", drops, alike: &[] }, width)
    }
}

fn whole(number: u64) -> String {
    format::grouped(&number.to_string())
}

/// `-` where nothing was answered.
fn shown(figures: Option<Percentiles>) -> [String; 6] {
    match figures {
        Some(Percentiles { p50, p90, p95, p99, p999, max }) => {
            [p50, p90, p95, p99, p999, max].map(millis)
        }
        None => [(); 6].map(|()| "-".to_owned()),
    }
}

/// Of fewer latencies than one in so many a percentile is the longest, and stands there already.
fn shown_of(latencies: &Latencies) -> [String; 6] {
    let mut figures = shown(latencies.percentiles());
    for (at, least) in [(1, 10), (2, 20), (3, 100), (4, 1000)] {
        if latencies.count() < least {
            figures[at] = "-".to_owned();
        }
    }
    figures
}

impl Comparison {
    fn figures(&self) -> [(&'static str, &Compared); 2] {
        [("median", &self.median), ("p99", &self.p99)]
    }

    pub fn is_slower(&self) -> bool {
        self.figures().iter().any(|(_, compared)| compared.verdict == Verdict::Slower)
    }

    fn uncertainty(&self) -> Option<Warning> {
        let uncertain =
            self.figures().into_iter().filter(|(_, it)| it.verdict == Verdict::Uncertain);
        let names = uncertain.map(|(name, _)| name).collect::<Vec<_>>();
        (!names.is_empty()).then(|| Warning {
            rule: "comparison-uncertain",
            object: self.file.clone(),
            message: format!(
                "whether {} is slower by more than {} cannot be told from runs of this length: give both a \
                 longer --duration",
                names.join(" and "),
                percent(self.max_regression)
            ),
        })
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn compared_lines(comparison: &Comparison) -> String {
    let lines = comparison.figures().map(|(name, compared)| {
        let Compared { before_ms, after_ms, low, high, verdict, .. } = *compared;
        let (before, after) = (millis(before_ms), millis(after_ms));
        let range = low
            .zip(high)
            .map(|(low, high)| {
                format!(" ({} to {} with 95 % confidence)", change(low), change(high))
            })
            .unwrap_or_default();
        format!("{name}: {before} before, {after} now: {}{range}\n", verdict.words())
    });
    format!("Compared with {}:\n{}", comparison.file, lines.concat())
}

/// `+12 %`, `-3 %`.
fn change(ratio: f64) -> String {
    format!("{:+.0} %", (ratio - 1.0) * 100.0)
}

pub fn millis(millis: f64) -> String {
    format::duration(format::seconds(millis / 1e3).unwrap_or_default())
}

/// What all requests came to, and what the server says.
fn lines(report: &PhaseReport) -> Vec<String> {
    let PhaseReport { phase, server, .. } = report;
    let tally = &phase.tally;
    let count = tally.latencies.count();
    let took = format::duration(phase.duration());
    let requests =
        format::count(usize::try_from(count).unwrap_or(usize::MAX), "request", "requests");
    let mut first = format!("{requests} in {took}: {} a second", decimal(phase.rate()));
    if let Some(figures) = tally.latencies.percentiles() {
        let [median, .., p99, _, longest] = shown(Some(figures));
        first.push_str(&format!("; median {median}, p99 {p99}, longest {longest}"));
    }
    let mut lines = vec![first + "."];
    lines.extend(tally.errors.iter().map(|(sqlstate, error)| {
        format!(
            "{} × error {sqlstate}: {}",
            format::grouped(&error.count.to_string()),
            error.message
        )
    }));
    lines.extend(sessions(phase));
    lines.push(match server {
        Known::Known(server) => database(server),
        Known::Unavailable(why) => format!("What the database did is not known: {why}."),
    });
    lines
}

/// `199.9`, `2,000`.
fn decimal(rate: f64) -> String {
    match rate < 1000.0 {
        true => format!("{rate:.1}"),
        false => format::whole(rate.round() as i64),
    }
}

/// What sessions did most often while they executed something.
fn sessions(phase: &Phase) -> Option<String> {
    const MOST: usize = 4;
    let all = phase.waits.values().sum::<u64>();
    let mut seen = phase.waits.iter().collect::<Vec<_>>();
    seen.sort_by(|(_, one), (_, other)| other.cmp(one));
    let words = seen
        .into_iter()
        .take(MOST)
        .map(|((kind, event), count)| {
            let what = match kind.as_str() {
                "CPU" => "computing".to_owned(),
                _ => format!("waiting for {kind}:{event}"),
            };
            format!("{:.0} % {what}", 100.0 * *count as f64 / all as f64)
        })
        .collect::<Vec<_>>()
        .join(", ");
    (all > 0).then(|| format!("Sessions that executed a statement: {words}."))
}

fn database(server: &Throughput) -> String {
    let counts = &server.counts;
    let blocks = counts.blocks_read + counts.blocks_hit;
    let mut parts = vec![format!("{} pages", format::whole(blocks))];
    if let Some(hit) = counts.hit() {
        parts.push(format!("{:.1} % of them in shared_buffers", hit * 100.0));
    }
    if let Known::Known(bytes) = server.wal_bytes {
        parts.push(format!("{} of WAL", format::bytes(bytes)));
    }
    if counts.temp_bytes > 0 {
        parts.push(format!("{} of temporary files", format::bytes(counts.temp_bytes)));
    }
    if counts.deadlocks > 0 {
        let deadlocks = usize::try_from(counts.deadlocks).unwrap_or_default();
        parts.push(format::count(deadlocks, "deadlock", "deadlocks"));
    }
    format!("The database counted meanwhile: {}.", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_stands_where_it_is_not_the_longest() {
        let shown_of = |count: u64| {
            let mut latencies = Latencies::default();
            (1..=count).for_each(|ms| latencies.record(Duration::from_millis(ms)));
            super::shown_of(&latencies).map(|figure| figure != "-")
        };
        assert_eq!(shown_of(0), [false; 6]);
        assert_eq!(shown_of(9), [true, false, false, false, false, true]);
        assert_eq!(shown_of(99), [true, true, true, false, false, true]);
        assert_eq!(shown_of(999), [true, true, true, true, false, true]);
        assert_eq!(shown_of(1000), [true; 6]);
    }
}
