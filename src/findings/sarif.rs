//! SARIF 2.1.0, as code scanning services read it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde_json::{Value, json};

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::Repository;
use super::fingerprint::fingerprints;
use super::{CheckVerdict, Finding, Place, Review, Rule, Severity};
use crate::escape_control::json_line;
use crate::failure::{Failure, exit_code};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/\
                      sarif-schema-2.1.0.json";

/// What names of files are relative to.
const BASE: &str = "SRCROOT";

/// All but the unreserved characters of RFC 3986, and what divides folders.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// The log of a run.
pub fn text(review: &Review, repository: &Repository) -> String {
    let rules = rules(&review.findings);
    let fingerprints = fingerprints(&review.findings, repository);
    let findings = review.findings.iter().zip(fingerprints);
    let results = findings
        .map(|(finding, fingerprint)| {
            result(&review.message_of(finding), finding, &fingerprint, &rules, repository)
        })
        .collect::<Vec<_>>();
    let code = if review.is_failed() {
        exit_code::FINDINGS
    } else {
        exit_code::DONE
    };
    log(&json!({
        "tool": tool(&rules),
        "originalUriBaseIds": {
            BASE: { "uri": format!("file://{}/", uri(repository.root()).trim_end_matches('/')) },
        },
        "invocations": [{
            "executionSuccessful": true,
            "exitCode": code,
            "toolExecutionNotifications": skipped(review),
        }],
        "columnKind": "unicodeCodePoints",
        "results": results,
    }))
}

/// The log of a run that came to no review. It has no results, not even none: those would tell
/// the service that everything is mended.
pub fn failure(failure: &Failure) -> String {
    let hint = failure.hint.as_ref().map(|hint| format!("\n{hint}")).unwrap_or_default();
    log(&json!({
        "tool": tool(&rules(&[])),
        "invocations": [{
            "executionSuccessful": false,
            "exitCode": failure.kind.exit_code(),
            "toolExecutionNotifications": [{
                "level": "error",
                "message": { "text": format!("{failure}{hint}") },
            }],
        }],
    }))
}

fn log(run: &Value) -> String {
    json_line(&json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": [run] }))
}

/// Our rules, and those of squawk's that were broken.
fn rules(findings: &[Finding]) -> Vec<&str> {
    let mut rules = Rule::ALL.iter().map(|rule| rule.name).collect::<Vec<_>>();
    for finding in findings {
        if !rules.contains(&finding.rule.as_str()) {
            rules.push(&finding.rule);
        }
    }
    rules
}

fn tool(rules: &[&str]) -> Value {
    let described = rules.iter().map(|name| Rule::named(name).map_or_else(|| squawks(name), ours));
    json!({ "driver": {
        "name": env!("CARGO_PKG_NAME"),
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": described.collect::<Vec<_>>(),
    } })
}

fn ours(rule: &Rule) -> Value {
    json!({
        "id": rule.name,
        "shortDescription": { "text": rule.summary() },
        "fullDescription": { "text": rule.summary() },
        "help": { "text": rule.page, "markdown": rule.page },
        "defaultConfiguration": { "level": level(rule.severity) },
    })
}

fn squawks(name: &str) -> Value {
    let uri = format!("https://squawkhq.com/docs/{name}");
    let summary = format!("The rule {name} of squawk");
    json!({
        "id": name,
        "shortDescription": { "text": summary },
        "fullDescription": { "text": summary },
        "help": { "text": uri, "markdown": format!("[{summary}]({uri})") },
        "helpUri": uri,
        "defaultConfiguration": { "level": level(Severity::Warning) },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn result(
    message: &str,
    finding: &Finding,
    fingerprint: &str,
    rules: &[&str],
    repository: &Repository,
) -> Value {
    let help = finding.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
    let locations = finding.place.iter().map(|place| location(place, repository));
    json!({
        "ruleId": finding.rule,
        "ruleIndex": rules.iter().position(|rule| *rule == finding.rule),
        "level": level(finding.severity),
        "message": { "text": format!("{message}{help}") },
        "locations": locations.collect::<Vec<_>>(),
        "partialFingerprints": { "ruleFileAndText/v1": fingerprint },
    })
}

/// From the finding's column to the line's end, within the line.
fn location(place: &Place, repository: &Repository) -> Value {
    let before = place.before();
    let text = place.text.chars().skip(before).collect::<String>();
    let mut physical = json!({
        "artifactLocation": artifact(&place.at.file, repository),
        "region": {
            "startLine": place.at.line,
            "startColumn": place.at.column,
            "snippet": { "text": text },
        },
    });
    if before > 0 {
        let line = json!({ "startLine": place.at.line, "snippet": { "text": place.text } });
        physical["contextRegion"] = line;
    }
    json!({ "physicalLocation": physical })
}

fn artifact(file: &Path, repository: &Repository) -> Value {
    match repository.within(file) {
        Some(name) => json!({ "uri": uri(&name), "uriBaseId": BASE }),
        None => json!({ "uri": format!("file://{}", uri(&repository.absolute(file))) }),
    }
}

fn uri(path: &Path) -> String {
    percent_encode(path.as_os_str().as_bytes(), ENCODED).to_string()
}

fn skipped(review: &Review) -> Vec<Value> {
    let skipped = review.checks.iter().filter(|check| check.verdict == CheckVerdict::Skipped);
    let notification = skipped.map(|check| {
        let reason = check.reason.as_deref().unwrap_or_default();
        let text = format!("the check {} was skipped: {reason}", check.name);
        json!({ "level": "note", "message": { "text": text } })
    });
    notification.collect()
}
