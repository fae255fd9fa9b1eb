//! Checks and findings as programs read them.

use serde::Serialize;
use serde_json::{Map, Value};

use super::fingerprint::fingerprints;
use super::{Check, Finding, Repository, Review};
use crate::format::millis;

/// What checks came to.
#[derive(Debug, Serialize)]
pub struct ReviewDocument {
    checks: Vec<CheckDocument>,
    findings: Vec<FindingDocument>,
}

impl ReviewDocument {
    /// As programs read it.
    pub fn new(review: &Review, repository: &Repository) -> Self {
        let findings = review.findings.iter().zip(fingerprints(&review.findings, repository));
        ReviewDocument {
            checks: review.checks.iter().map(CheckDocument::new).collect(),
            findings: findings
                .map(|(finding, fingerprint)| FindingDocument::new(finding, fingerprint))
                .collect(),
        }
    }
}

/// A check.
#[derive(Debug, Clone, Serialize)]
struct CheckDocument {
    name: &'static str,
    verdict: &'static str,
    duration_ms: u64,
    reason: Option<String>,
    suppressed: usize,
    server_versions: Vec<String>,
}

/// Something that a check found.
#[derive(Debug, Clone, Serialize)]
struct FindingDocument {
    rule: String,
    severity: &'static str,
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
    object: Option<String>,
    message: String,
    help: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    evidence: Map<String, Value>,
    fingerprint: String,
    server_versions: Vec<String>,
}

impl CheckDocument {
    /// As programs read it.
    fn new(check: &Check) -> Self {
        CheckDocument {
            name: check.name,
            verdict: check.verdict.name(),
            duration_ms: millis(check.took),
            reason: check.reason.clone(),
            server_versions: check.servers.clone(),
            suppressed: check.suppressed,
        }
    }
}

impl FindingDocument {
    /// As programs read it.
    fn new(finding: &Finding, fingerprint: String) -> Self {
        let place = finding.place.as_ref();
        FindingDocument {
            rule: finding.rule.clone(),
            severity: finding.severity.name(),
            file: place.map(|place| place.at.file.display().to_string()),
            line: place.map(|place| place.at.line),
            column: place.map(|place| place.at.column),
            object: finding.object.clone(),
            message: finding.message.clone(),
            help: finding.help.clone(),
            command: finding.command.clone(),
            evidence: finding
                .evidence
                .iter()
                .map(|(name, value)| (name.to_string(), value.clone()))
                .collect(),
            fingerprint,
            server_versions: finding.servers.clone(),
        }
    }
}
