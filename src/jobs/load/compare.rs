//! A comparison with an earlier run: slower only where chance does not explain it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::document::CourseDocument;
use super::figures::Percentiles;
use super::plan::Statement;
use super::random::Random;
use super::report::Setup;
use crate::failure::{Failure, Result};

/// What an earlier document says.
#[derive(Debug, Deserialize)]
struct EarlierDocument {
    command: String,
    load: EarlierSetup,
    latency_ms: Option<Percentiles>,
    statements: Vec<EarlierStatement>,
    course: CourseDocument,
    during: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct EarlierSetup {
    wanted_rate: Option<f64>,
    clients: usize,
}

#[derive(Debug, Deserialize)]
struct EarlierStatement {
    query: String,
}

/// An earlier run.
#[derive(Debug)]
pub struct Earlier {
    file: PathBuf,
    document: EarlierDocument,
    latencies: Percentiles,
}

/// What a comparison came to.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    pub file: String,
    /// From which share on slower counts.
    pub max_regression: f64,
    pub median: Compared,
    pub p99: Compared,
}

/// One figure before and after, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Compared {
    pub before_ms: f64,
    pub after_ms: f64,
    /// After divided by before, of the middle of all parts of the runs.
    pub ratio: f64,
    /// Between these it lies with 95 % confidence; null where there are too few parts.
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// By more than is allowed, with confidence.
    Slower,
    /// By as much the other way round.
    Faster,
    /// Not slower by more than is allowed, with confidence.
    WithinLimit,
    /// It may be slower, or not.
    Uncertain,
}

impl Verdict {
    pub fn words(self) -> &'static str {
        match self {
            Verdict::Slower => "slower",
            Verdict::Faster => "faster",
            Verdict::WithinLimit => "within the limit",
            Verdict::Uncertain => "uncertain",
        }
    }
}

impl Earlier {
    /// Reads the document of an earlier run.
    ///
    /// # Errors
    /// `Usage` where it is none.
    pub fn read(file: &Path) -> Result<Earlier> {
        let shown = file.display();
        let text = fs::read_to_string(file)
            .map_err(|error| Failure::usage(format!("cannot read {shown}: {error}")))?;
        let none = |why: &str| {
            Failure::usage(format!("{shown} is no result of pgtend load: {why}"))
                .hint("pgtend load … --format json > FILE writes one")
        };
        let document = serde_json::from_str::<EarlierDocument>(&text)
            .map_err(|error| none(&error.to_string()))?;
        if document.command != "load" {
            return Err(none(&format!("it is one of {}", document.command)));
        }
        if document.during.is_some() {
            return Err(none("another command ran meanwhile"));
        }
        let latencies = document.latency_ms.ok_or_else(|| none("no request was answered"))?;
        Ok(Earlier { file: file.to_owned(), document, latencies })
    }

    /// Refuses to compare what cannot be compared.
    ///
    /// # Errors
    /// `Usage` where the earlier run sent other statements, or sent them otherwise.
    pub fn require_same(&self, setup: Setup, statements: &[Statement]) -> Result<()> {
        let EarlierSetup { wanted_rate, clients } = self.document.load;
        let file = self.file.display();
        if (wanted_rate, clients) != (setup.rate, setup.clients) {
            let mode = match wanted_rate {
                Some(rate) => format!("--rate {rate} --clients {clients}"),
                None => format!("--clients {clients}"),
            };
            return Err(Failure::usage(format!("{file} was measured with {mode}")));
        }
        let before = self
            .document
            .statements
            .iter()
            .map(|it| it.query.as_str())
            .collect::<BTreeSet<_>>();
        let now = statements.iter().map(|it| it.text.as_str()).collect::<BTreeSet<_>>();
        match before.symmetric_difference(&now).next() {
            None => Ok(()),
            Some(query) => {
                let whose = if now.contains(query) { "this run" } else { "that run" };
                Err(Failure::usage(format!(
                    "{file} was measured with other statements; only {whose} has: {query}"
                )))
            }
        }
    }

    /// Compares.
    pub fn with(&self, now: Percentiles, course: &CourseDocument, limit: f64) -> Comparison {
        let before = &self.document.course;
        let compared = |then: f64, now: f64, before: &[Option<f64>], after: &[Option<f64>]| {
            let of = |parts: &[Option<f64>]| parts.iter().copied().flatten().collect::<Vec<_>>();
            compared((then, now), &of(before), &of(after), limit)
        };
        let Percentiles { p50, p99, .. } = self.latencies;
        Comparison {
            file: self.file.display().to_string(),
            max_regression: limit,
            median: compared(p50, now.p50, &before.p50_ms, &course.p50_ms),
            p99: compared(p99, now.p99, &before.p99_ms, &course.p99_ms),
        }
    }
}

/// Of fewer parts nothing can be told.
const FEWEST: usize = 10;

fn compared(
    (before_ms, after_ms): (f64, f64),
    before: &[f64],
    after: &[f64],
    limit: f64,
) -> Compared {
    let ratio = middle(after) / middle(before);
    let interval = (before.len().min(after.len()) >= FEWEST).then(|| interval(before, after));
    let verdict = match interval {
        Some((low, _)) if low > 1.0 + limit => Verdict::Slower,
        Some((_, high)) if high < 1.0 / (1.0 + limit) => Verdict::Faster,
        Some((_, high)) if high <= 1.0 + limit => Verdict::WithinLimit,
        _ => Verdict::Uncertain,
    };
    let (low, high) = interval.unzip();
    Compared { before_ms, after_ms, ratio, low, high, verdict }
}

/// Between which ratios 95 of 100 lie, if the parts of both runs are drawn again and again. Neighbours are
/// drawn together: what disturbs one disturbs the next.
fn interval(before: &[f64], after: &[f64]) -> (f64, f64) {
    const DRAWS: usize = 2000;
    let mut random = Random::new(DRAWS as u64, 0);
    let mut ratios = (0..DRAWS)
        .map(|_| middle(&redrawn(after, &mut random)) / middle(&redrawn(before, &mut random)))
        .collect::<Vec<_>>();
    ratios.sort_by(f64::total_cmp);
    (ratios[DRAWS / 40], ratios[DRAWS - 1 - DRAWS / 40])
}

fn redrawn(parts: &[f64], random: &mut Random) -> Vec<f64> {
    const TOGETHER: usize = 3;
    let mut drawn = Vec::with_capacity(parts.len() + TOGETHER);
    while drawn.len() < parts.len() {
        let start = random.place(parts.len());
        drawn.extend((start..start + TOGETHER).map(|at| parts[at % parts.len()]));
    }
    drawn.truncate(parts.len());
    drawn
}

fn middle(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(level: f64, noise: f64, seed: u64) -> Vec<f64> {
        let mut random = Random::new(seed, 9);
        (0..30).map(|_| level * (1.0 + noise * (random.share() - 0.5))).collect()
    }

    fn verdict(before: &[f64], after: &[f64]) -> Verdict {
        compared((middle(before), middle(after)), before, after, 0.1).verdict
    }

    #[test]
    fn slower_is_what_chance_does_not_explain() {
        let before = run(1.0, 0.2, 1);
        assert_eq!(verdict(&before, &run(1.3, 0.2, 2)), Verdict::Slower);
        assert_eq!(verdict(&before, &run(0.7, 0.2, 3)), Verdict::Faster);
        assert_eq!(verdict(&before, &run(1.02, 0.1, 4)), Verdict::WithinLimit);
        assert_eq!(verdict(&run(1.0, 1.9, 5), &run(1.12, 1.9, 6)), Verdict::Uncertain);
    }

    #[test]
    fn one_figure_that_is_slower_is_enough() {
        let (before, same, slow) = (run(1.0, 0.05, 6), run(1.0, 0.05, 7), run(2.0, 0.05, 8));
        let of = |after: &[f64]| compared((middle(&before), middle(after)), &before, after, 0.1);
        let is_slower = |median: &[f64], p99: &[f64]| {
            let (file, max_regression) = (String::new(), 0.1);
            Comparison { file, max_regression, median: of(median), p99: of(p99) }.is_slower()
        };
        assert!(is_slower(&same, &slow) && is_slower(&slow, &same));
        assert!(!is_slower(&same, &same));
    }

    #[test]
    fn a_short_run_is_compared_with_nothing() {
        let compared = compared((1.0, 9.0), &run(1.0, 0.1, 1)[..9], &run(9.0, 0.1, 2), 0.1);
        assert_eq!((compared.verdict, compared.low), (Verdict::Uncertain, None));
        assert!(compared.ratio > 8.0);
    }

    #[test]
    fn the_same_runs_have_the_same_interval() {
        let (before, after) = (run(1.0, 0.5, 1), run(1.0, 0.5, 2));
        assert_eq!(interval(&before, &after), interval(&before, &after));
        let (low, high) = interval(&before, &after);
        assert!(low < 1.0 && high > 1.0 && high / low < 1.5, "{low} {high}");
    }
}
