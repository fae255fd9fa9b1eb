//! A code quality report as GitLab reads it: a subset of Code Climate's issues.

use serde_json::{Value, json};

use super::fingerprint::fingerprints;
use super::repository::Repository;
use crate::output::json_line;
use crate::plan::verify::{Finding, Judgement, Severity};

/// The report of a run that came to no judgement.
pub const NOTHING: &str = "[]\n";

/// The report.
pub fn text(judgement: &Judgement, repository: &Repository) -> String {
    let fingerprints = fingerprints(&judgement.findings, repository);
    let findings = judgement.findings.iter().zip(fingerprints);
    let issues = findings.map(|(finding, fingerprint)| issue(finding, &fingerprint, repository));
    json_line(&Value::Array(issues.collect()))
}

fn issue(finding: &Finding, fingerprint: &str, repository: &Repository) -> Value {
    let place = finding.place.as_ref();
    // GitLab passes over what has no path and no line.
    let file = place.map_or(repository.subject(), |place| &place.file);
    json!({
        "description": description(finding),
        "check_name": finding.rule,
        "fingerprint": fingerprint,
        "severity": match finding.severity {
            Severity::Error => "major",
            Severity::Warning => "minor",
        },
        "location": {
            "path": repository.name(file),
            "lines": { "begin": place.map_or(1, |place| place.line) },
        },
    })
}

/// In one line, because GitLab shows it in one.
fn description(finding: &Finding) -> String {
    let Finding { message, help, .. } = finding;
    match help {
        Some(help) => format!("{}; {help}", message.trim_end_matches('.')),
        None => message.clone(),
    }
}
