//! What figures prove.

use serde::Serialize;

use crate::twin::copy::{RunFigures, TrialRun};

/// What is proved of an index, or of an index for a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProofVerdict {
    Better,
    NoEffect,
    Worse,
    /// It could not be measured.
    NotJudged,
}

impl ProofVerdict {
    pub fn words(self) -> &'static str {
        match self {
            ProofVerdict::Better => "better",
            ProofVerdict::NoEffect => "no effect",
            ProofVerdict::Worse => "worse",
            ProofVerdict::NotJudged => "not judged",
        }
    }
}

/// Slower by less is noise, unless it also looks at more pages.
const SLOWER: f64 = 1.1;

/// A statement without the index, or with it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Side {
    /// Medians.
    pub ms: f64,
    pub buffers: f64,
    pub wal_bytes: f64,
    /// That were returned, where it was executed here.
    pub rows: Option<f64>,
    /// The median of the distances from the median.
    pub deviation_ms: f64,
    /// It was given up after `ms`.
    pub is_over: bool,
}

impl Side {
    /// `limit_ms`: after which a run is given up. `None`: there is no run.
    pub fn of(runs: &[TrialRun], limit_ms: f64) -> Option<Side> {
        if runs.contains(&TrialRun::TooLong) {
            return Some(Side { ms: limit_ms, is_over: true, ..Side::default() });
        }
        let figures = runs
            .iter()
            .filter_map(|run| match run {
                TrialRun::Done(figures) => Some(*figures),
                TrialRun::TooLong | TrialRun::Failed(_) => None,
            })
            .collect::<Vec<RunFigures>>();
        let middle = |of: fn(&RunFigures) -> f64| median(figures.iter().map(of).collect());
        let ms = middle(|run| run.ms)?;
        let distances = figures.iter().map(|run| (run.ms - ms).abs()).collect();
        Some(Side {
            ms,
            buffers: middle(|run| run.buffers)?,
            wal_bytes: middle(|run| run.wal_bytes)?,
            rows: middle(|run| run.rows),
            deviation_ms: median(distances)?,
            is_over: false,
        })
    }

    fn is_surely_below(&self, other: &Side) -> bool {
        self.ms + self.deviation_ms < other.ms - other.deviation_ms
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// A win is one only where the intervals do not overlap and fewer pages are looked at.
pub fn verdict(before: &Side, after: &Side) -> ProofVerdict {
    match (before.is_over, after.is_over) {
        (true, true) => return ProofVerdict::NotJudged,
        (true, false) => return ProofVerdict::Better,
        (false, true) => return ProofVerdict::Worse,
        (false, false) => {}
    }
    if after.is_surely_below(before) && after.buffers < before.buffers {
        return ProofVerdict::Better;
    }
    let is_slower = before.is_surely_below(after);
    if is_slower && (after.buffers > before.buffers || after.ms > before.ms * SLOWER) {
        return ProofVerdict::Worse;
    }
    ProofVerdict::NoEffect
}

/// Why figures prove no effect.
pub fn why_no_effect(before: &Side, after: &Side) -> &'static str {
    match after.is_surely_below(before) {
        true if after.buffers > before.buffers => {
            "it takes less time, but looks at more pages, which may not always be in memory"
        }
        true => "it takes less time, but looks at as many pages",
        false if before.is_surely_below(after) => "it takes less than a tenth more time",
        false => "its times vary by more than they differ",
    }
}

/// What an index does to all its statements: each with its weight, verdict and both times. Where it
/// helps some and harms others, the sum decides.
pub fn verdict_of_all(statements: &[(f64, ProofVerdict, f64, f64)]) -> ProofVerdict {
    let has = |wanted| statements.iter().any(|(_, verdict, ..)| *verdict == wanted);
    let sum = || {
        let judged = statements.iter().filter(|(_, verdict, ..)| {
            matches!(verdict, ProofVerdict::Better | ProofVerdict::Worse)
        });
        judged.map(|(weight, _, before, after)| weight * (after - before)).sum::<f64>()
    };
    match (has(ProofVerdict::Better), has(ProofVerdict::Worse)) {
        (true, false) => ProofVerdict::Better,
        (false, true) => ProofVerdict::Worse,
        (true, true) if sum() < 0.0 => ProofVerdict::Better,
        (true, true) => ProofVerdict::Worse,
        (false, false) if has(ProofVerdict::NoEffect) => ProofVerdict::NoEffect,
        (false, false) if statements.is_empty() => ProofVerdict::NoEffect,
        (false, false) => ProofVerdict::NotJudged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(times: &[f64], buffers: f64) -> Side {
        let run =
            |ms: &f64| TrialRun::Done(RunFigures { ms: *ms, buffers, ..RunFigures::default() });
        Side::of(&times.iter().map(run).collect::<Vec<_>>(), 60_000.0).unwrap()
    }

    #[test]
    fn a_win_needs_intervals_apart_and_fewer_pages() {
        let before = side(&[10.0, 11.0, 10.5, 12.0, 9.5], 1000.0);
        assert_eq!((before.ms, before.deviation_ms), (10.5, 0.5));
        for (times, buffers, wanted) in [
            (&[1.0, 1.1, 0.9, 1.0, 1.0][..], 10.0, ProofVerdict::Better),
            (&[1.0, 1.1, 0.9, 1.0, 1.0], 1000.0, ProofVerdict::NoEffect),
            (&[10.0, 10.2, 9.9, 11.0, 9.0], 10.0, ProofVerdict::NoEffect),
            (&[20.0, 21.0, 22.0, 20.5, 20.0], 1000.0, ProofVerdict::Worse),
            (&[11.2, 11.1, 11.2, 11.1, 11.2], 1000.0, ProofVerdict::NoEffect),
            (&[11.2, 11.1, 11.2, 11.1, 11.2], 1001.0, ProofVerdict::Worse),
        ] {
            assert_eq!(verdict(&before, &side(times, buffers)), wanted, "{times:?} {buffers}");
        }
    }

    #[test]
    fn no_effect_has_its_reason() {
        let before = side(&[10.0, 11.0, 10.5, 12.0, 9.5], 1000.0);
        for (times, buffers, wanted) in [
            (
                &[1.0, 1.1, 0.9, 1.0, 1.0][..],
                1001.0,
                "it takes less time, but looks at more pages",
            ),
            (
                &[1.0, 1.1, 0.9, 1.0, 1.0],
                1000.0,
                "it takes less time, but looks at as many pages",
            ),
            (&[10.0, 10.2, 9.9, 11.0, 9.0], 10.0, "its times vary by more than they differ"),
            (&[11.2, 11.1, 11.2, 11.1, 11.2], 1000.0, "it takes less than a tenth more time"),
        ] {
            let why = why_no_effect(&before, &side(times, buffers));
            assert!(why.starts_with(wanted), "{why}");
        }
    }

    #[test]
    fn what_is_given_up_is_slower_than_what_is_not() {
        let over = Side::of(&[TrialRun::TooLong], 60_000.0).unwrap();
        let done = side(&[5.0], 1.0);
        assert_eq!(verdict(&over, &done), ProofVerdict::Better);
        assert_eq!(verdict(&done, &over), ProofVerdict::Worse);
        assert_eq!(verdict(&over, &over), ProofVerdict::NotJudged);
    }

    #[test]
    fn where_some_win_and_some_lose_the_sum_decides() {
        let win = (10.0, ProofVerdict::Better, 5.0, 1.0);
        let loss = |weight| (weight, ProofVerdict::Worse, 1.0, 2.0);
        assert_eq!(verdict_of_all(&[win, loss(1.0)]), ProofVerdict::Better);
        assert_eq!(verdict_of_all(&[win, loss(100.0)]), ProofVerdict::Worse);
        assert_eq!(verdict_of_all(&[]), ProofVerdict::NoEffect);
        assert_eq!(
            verdict_of_all(&[(1.0, ProofVerdict::NotJudged, 0.0, 0.0)]),
            ProofVerdict::NotJudged
        );
    }
}
