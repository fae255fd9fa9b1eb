//! From facts to findings: pure.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::civil::Date;

use super::baseline::Baseline;
use super::rules::{self, Found, Judge, Judged, NotJudged};
use super::selection::Selection;
use crate::facts::health::Health;
use crate::facts::{AutovacuumSettings, TableState};
use crate::findings::{Check, CheckVerdict, FailOn, Review, Rule, Suppressions};
use crate::work::maintenance::plan::due::{analyze_measure, vacuum_measures};

/// By what the facts are judged.
#[derive(Debug)]
pub struct Measure {
    pub selection: Selection,
    pub suppressions: Suppressions,
    /// What is known already, and is not told.
    pub baseline: Option<Baseline>,
    pub fails_on: FailOn,
    pub today: Date,
}

/// What the checks came to.
#[derive(Debug)]
pub struct Judgement {
    /// The worst findings first.
    pub review: Review,
    /// What would let the checks see more: GRANTs, each once.
    pub remedies: BTreeSet<String>,
}

/// Whether a table is to be kept among the facts: autovacuum should look at it.
pub fn is_due(settings: &AutovacuumSettings, table: &TableState) -> bool {
    let is_over = vacuum_measures(table, settings).first().is_some_and(|worst| worst.is_over(1.0));
    is_over || analyze_measure(table, settings).is_over(1.0)
}

/// Judges all that is asked for.
pub fn judge(health: &Health, measure: Measure) -> Judgement {
    let Measure { selection, suppressions, baseline, fails_on, today } = measure;
    let review = Review::new(fails_on);
    let mut judging = Judging {
        review,
        remedies: BTreeSet::new(),
        suppressions,
        baseline,
        today,
    };
    for judge in rules::all() {
        let judged = match selection.why_not(judge.rule) {
            Some(why) => Err(NotJudged::Skipped(why)),
            None => (judge.judge)(health),
        };
        judging.add(judge, judged);
    }
    judging.done()
}

/// The relations of which the statistics say that they are bloated, the worst first.
pub fn to_confirm(judgement: &Judgement) -> Vec<String> {
    let bloat = [Rule::TABLE_BLOAT.name, Rule::INDEX_BLOAT.name];
    let found = judgement
        .review
        .findings
        .iter()
        .filter(|finding| bloat.contains(&finding.rule.as_str()));
    found.filter_map(|finding| finding.object.clone()).collect()
}

struct Judging {
    review: Review,
    remedies: BTreeSet<String>,
    suppressions: Suppressions,
    baseline: Option<Baseline>,
    today: Date,
}

impl Judging {
    fn add(&mut self, Judge { rule, .. }: Judge, judged: Judged) {
        let mut check = Check {
            name: rule.name,
            verdict: CheckVerdict::Skipped,
            took: Duration::ZERO,
            reason: None,
            suppressed: 0,
            servers: Vec::new(),
        };
        match judged {
            Err(NotJudged::Skipped(why)) => check.reason = Some(why.to_owned()),
            Err(NotJudged::Unknown(why)) => {
                check.verdict = CheckVerdict::Unknown;
                self.miss(&mut check, &why);
            }
            Ok(found) => self.found(&mut check, found),
        }
        self.review.checks.push(check);
    }

    fn found(&mut self, check: &mut Check, Found { findings, unknown }: Found) {
        let (mut left, suppressed) = self.suppressions.sift(findings, self.today);
        if let Some(baseline) = &self.baseline {
            left = baseline.without_known(left);
        }
        check.suppressed = suppressed;
        check.verdict = match (left.len(), &unknown) {
            (1.., _) => CheckVerdict::Failed,
            (0, Some(_)) => CheckVerdict::Unknown,
            (0, None) => CheckVerdict::Passed,
        };
        if let Some(why) = &unknown {
            self.miss(check, why);
        }
        let of_check = left.into_iter().map(|mut finding| {
            finding.check = Some(check.name);
            finding
        });
        self.review.findings.extend(of_check);
    }

    fn miss(&mut self, check: &mut Check, why: &crate::facts::Unavailable) {
        check.reason = Some(why.to_string());
        let grant = why.remedy().filter(|remedy| remedy.starts_with("GRANT "));
        self.remedies.extend(grant.map(str::to_owned));
    }

    fn done(mut self) -> Judgement {
        let looked = |rule: &str| {
            let mut checks = self.review.checks.iter().filter(|check| check.name == rule);
            checks.any(|it| matches!(it.verdict, CheckVerdict::Passed | CheckVerdict::Failed))
        };
        let wrong = self.suppressions.judge(looked, self.today);
        self.review.findings.extend(wrong);
        self.review.findings.sort_by(|one, other| {
            other.severity.cmp(&one.severity).then_with(|| one.object.cmp(&other.object))
        });
        Judgement { review: self.review, remedies: self.remedies }
    }
}
