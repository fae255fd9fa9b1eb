//! What `verify` shows.

mod document;

use std::collections::HashMap;
use std::path::PathBuf;

use comfy_table::Cell;

use super::plan::{HeldLock, VerifyResults};
use crate::escape_control::escape_control;
use crate::findings::{
    Check, Finding, Repository, Review, counted, github, gitlab, junit, lines, markdown, sarif,
};
use crate::format;
use crate::output::table::{Narrow, cell, fitted, right, table};
use crate::output::wrap::prose;
use crate::output::{Format, Head, Outcome, Report, Style, Text};
use document::VerifyDocument;

/// The verdict on a folder of migrations.
#[derive(Debug)]
pub struct VerifyReport {
    judgement: VerifyResults,
    repository: Repository,
}

impl VerifyReport {
    /// Of what the user has named; CI systems know files by their names in the repository around the
    /// current folder.
    pub fn new(judgement: VerifyResults, paths: &[PathBuf]) -> Self {
        let subject = paths.first().map_or("migrations".as_ref(), PathBuf::as_path);
        VerifyReport { judgement, repository: Repository::here(subject) }
    }
}

impl Report for VerifyReport {
    fn outcome(&self) -> Outcome {
        if self.judgement.review.is_failed() {
            Outcome::Findings
        } else {
            Outcome::Done
        }
    }

    fn json(&self, mut head: Head) -> String {
        // The version of one of several would mislead.
        if self.judgement.verified_on.len() > 1 {
            head.server_version = None;
        }
        head.document(self.outcome(), VerifyDocument::new(&self.judgement, &self.repository), &[])
    }

    fn text(&self, style: &Style) -> Text {
        let VerifyReport { judgement, repository } = self;
        match style.format {
            Format::Github => narrated(github::text(&judgement.review, repository), judgement),
            Format::Sarif => narrated(sarif::text(&judgement.review, repository), judgement),
            Format::Junit => narrated(junit::text(&judgement.review, repository), judgement),
            Format::Gitlab => narrated(gitlab::text(&judgement.review, repository), judgement),
            Format::Markdown => narrated(markdown::text(&judgement.review, repository), judgement),
            Format::Table | Format::Json | Format::Csv | Format::Html => {
                let mut text = Text::of(table_of(judgement, style));
                text.narrate(verdict(judgement));
                text
            }
        }
    }
}

fn table_of(judgement: &VerifyResults, style: &Style) -> String {
    let found = findings(&judgement.review, style);
    if style.is_quiet() {
        return found;
    }
    let locks = match style.is_verbose() && !judgement.locks.is_empty() {
        true => locks(&judgement.locks, style.width) + "\n",
        false => String::new(),
    };
    found + &locks + &checks(judgement, style.width)
}

/// So many findings of a rule are shown as they are; the others are counted, unless all are wanted.
const SHOWN: usize = 3;

/// What fails comes last, where a terminal shows it. When all is to be quiet, only that comes.
fn findings(review: &Review, style: &Style) -> String {
    let mut all = review.findings.iter().collect::<Vec<_>>();
    all.sort_by_key(|finding| review.fails(finding));
    let mut shown = HashMap::<&str, usize>::new();
    let (mut passing, mut failures) = (String::new(), String::new());
    for finding in all.iter().filter(|it| !style.is_quiet() || review.fails(it)) {
        let number = shown.entry(finding.rule.as_str()).or_default();
        *number += 1;
        if *number <= SHOWN || style.is_verbose() || review.fails(finding) {
            let text = if review.fails(finding) {
                &mut failures
            } else {
                &mut passing
            };
            text.push_str(prose(&lines(finding, review), style.width).trim_end());
            text.push_str(&format!("\n{}\n", more(finding, *number)));
        }
    }
    let failing = |rule: &str| all.iter().any(|it| it.rule == rule && review.fails(it));
    let mut hidden = shown
        .iter()
        .filter(|_| !style.is_verbose())
        .filter(|(rule, number)| **number > SHOWN && !failing(rule))
        .map(|(rule, number)| (number - SHOWN, *rule))
        .collect::<Vec<_>>();
    hidden.sort_by(|one, other| other.cmp(one));
    let rest = hidden
        .iter()
        .map(|(number, rule)| format!("… {number} more of [{rule}]\n"))
        .collect::<String>();
    match rest.as_str() {
        "" => passing + &failures,
        rest => format!("{passing}{rest}  -v shows all of them\n\n{failures}"),
    }
}

/// Where a rule is explained, once.
fn more(finding: &Finding, number: usize) -> String {
    match number {
        1 => format!("  more: pgtend rules {}\n", finding.rule),
        _ => String::new(),
    }
}

/// `Failed: 2 errors, 300 warnings in 60 migrations, in 3.2 s.`
fn verdict(judgement: &VerifyResults) -> String {
    let review = &judgement.review;
    let verdict = if review.is_failed() { "Failed" } else { "Passed" };
    let found = counted(&review.findings).unwrap_or_else(|| "no findings".to_owned());
    let took = review.checks.iter().map(|check| check.took).sum();
    let migrations = format::count(judgement.migrations, "migration", "migrations");
    format!("{verdict}: {found} in {migrations}, in {}.", format::duration(took))
}

/// For people beside a product for programs.
fn narrated(product: String, judgement: &VerifyResults) -> Text {
    let mut text = Text::of(product);
    let review = &judgement.review;
    for check in &review.checks {
        let reason = check.reason.as_deref().unwrap_or_default();
        let (name, verdict, on) = (check.name, check.verdict.name(), review.place_of(check));
        text.narrate(format!("{name}: {verdict}{on}: {reason}"));
    }
    if let Some(counted) = counted(&review.findings) {
        text.narrate(format!("Found {counted}."));
    }
    text
}

/// Which server a check was made on is said where there were several.
fn checks(judgement: &VerifyResults, width: Option<u16>) -> String {
    let several = !judgement.review.servers.is_empty();
    let columns = ["server", "check", "verdict", "time", "what"];
    let mut table = table(if several { &columns } else { &columns[1..] });
    for check in &judgement.review.checks {
        let server = several.then(|| cell(check.servers.join(", ")));
        table.add_row(server.into_iter().chain(cells(check)).collect::<Vec<_>>());
    }
    let narrow = Narrow { wraps: "what", drops: &["time"], alike: &[] };
    fitted(&table, narrow, width)
}

fn cells(check: &Check) -> [Cell; 4] {
    [
        cell(check.name),
        cell(check.verdict.name()),
        right(match check.took.is_zero() {
            true => "-".to_owned(),
            false => format::duration(check.took),
        }),
        cell(check.reason.as_deref().unwrap_or("-")),
    ]
}

/// Every lock on what was there before.
fn locks(locks: &[HeldLock], width: Option<u16>) -> String {
    let mut table = table(&["table", "lock", "held", "rewrites", "scans", "statement"]);
    let yes = |is: bool| if is { "yes" } else { "-" };
    for lock in locks {
        let file = lock.place.at.file.display().to_string();
        table.add_row(vec![
            cell(lock.relation.to_string()),
            cell(lock.mode.map_or("not seen".to_owned(), |mode| mode.to_string())),
            right(format::duration(lock.held)),
            cell(yes(lock.is_rewritten)),
            cell(yes(lock.is_scanned)),
            cell(format!("{}:{}", escape_control(&file), lock.place.at.line)),
        ]);
    }
    let narrow = Narrow {
        wraps: "statement",
        drops: &["held", "scans", "rewrites"],
        alike: &[],
    };
    fitted(&table, narrow, width)
}
