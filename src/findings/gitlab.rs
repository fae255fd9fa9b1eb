//! A code quality report as GitLab reads it: a subset of Code Climate's issues.

use serde_json::{Value, json};

use super::Repository;
use super::fingerprint::fingerprints;
use super::{Finding, Review, Severity};
use crate::escape_control::json_line;

/// The report of a run that came to no review.
pub const NOTHING: &str = "[]\n";

/// The report.
pub fn text(review: &Review, repository: &Repository) -> String {
    let fingerprints = fingerprints(&review.findings, repository);
    let findings = review.findings.iter().zip(fingerprints);
    let issues =
        findings.map(|(finding, fingerprint)| issue(finding, &fingerprint, review, repository));
    json_line(&Value::Array(issues.collect()))
}

fn issue(finding: &Finding, fingerprint: &str, review: &Review, repository: &Repository) -> Value {
    let place = finding.place.as_ref();
    // GitLab passes over what has no path and no line.
    let file = place.map_or(repository.subject(), |place| &place.at.file);
    json!({
        "description": description(finding, review),
        "check_name": finding.rule,
        "fingerprint": fingerprint,
        "severity": match finding.severity {
            Severity::Critical => "critical",
            Severity::Error => "major",
            Severity::Warning => "minor",
            Severity::Info => "info",
        },
        "location": {
            "path": repository.name(file),
            "lines": { "begin": place.map_or(1, |place| place.at.line) },
        },
    })
}

/// In one line, because GitLab shows it in one.
fn description(finding: &Finding, review: &Review) -> String {
    let message = review.message_of(finding);
    match &finding.help {
        Some(help) => format!("{}; {help}", message.trim_end_matches('.')),
        None => message,
    }
}
