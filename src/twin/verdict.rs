//! What a change does to a statement's cost.

use serde::Serialize;

/// Costs that differ by less are the same: the planner itself takes paths within 1 % for equal.
const SAME: f64 = 0.01;

/// Whether one cost is another than the other.
pub fn differ(one: f64, other: f64) -> bool {
    (one - other).abs() > one.max(other) * SAME
}

/// What becomes of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanVerdict {
    Better,
    Worse,
    Same,
    /// It could not be planned.
    NotJudged,
}

impl PlanVerdict {
    /// By the costs before and after; `None`: there is no plan.
    pub fn of(before: Option<f64>, after: Option<f64>) -> PlanVerdict {
        match before.zip(after) {
            None => PlanVerdict::NotJudged,
            Some((before, after)) if after < before * (1.0 - SAME) => PlanVerdict::Better,
            Some((before, after)) if after > before * (1.0 + SAME) => PlanVerdict::Worse,
            Some(_) => PlanVerdict::Same,
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            PlanVerdict::Better => "better",
            PlanVerdict::Worse => "worse",
            PlanVerdict::Same => "same",
            PlanVerdict::NotJudged => "not judged",
        }
    }
}
