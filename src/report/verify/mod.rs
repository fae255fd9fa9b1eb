//! What `verify` shows.

mod document;
mod fingerprint;
pub mod github;
pub mod gitlab;
pub mod junit;
mod repository;
pub mod sarif;

use std::path::PathBuf;

use comfy_table::Cell;

use crate::figures;
use crate::output::escape_control::harmless;
use crate::output::table::{cell, right, table, text};
use crate::output::{Format, Head, Outcome, Report, Style, Text};
use crate::plan::verify::{Check, Finding, HeldLock, Judgement, Place, counted};
use document::VerifyDocument;
use repository::Repository;

/// The verdict on a folder of migrations.
#[derive(Debug)]
pub struct VerifyReport {
    judgement: Judgement,
    repository: Repository,
}

impl VerifyReport {
    /// Of what the user has named; CI systems know files by their names in the repository around the
    /// current folder.
    pub fn new(judgement: Judgement, paths: &[PathBuf]) -> Self {
        let subject = paths.first().map_or("migrations".as_ref(), PathBuf::as_path);
        VerifyReport { judgement, repository: Repository::here(subject) }
    }
}

impl Report for VerifyReport {
    fn outcome(&self) -> Outcome {
        if self.judgement.is_failed() { Outcome::Findings } else { Outcome::Done }
    }

    fn json(&self, mut head: Head) -> String {
        // The version of one of several would mislead.
        if self.judgement.verified_on.len() > 1 {
            head.server_version = None;
        }
        head.document(self.outcome(), VerifyDocument::new(&self.judgement), &[])
    }

    fn text(&self, style: &Style) -> Text {
        let VerifyReport { judgement, repository } = self;
        match style.format {
            Format::Github => narrated(github::text(judgement, repository), judgement),
            Format::Sarif => narrated(sarif::text(judgement, repository), judgement),
            Format::Junit => narrated(junit::text(judgement, repository), judgement),
            Format::Gitlab => narrated(gitlab::text(judgement, repository), judgement),
            Format::Table | Format::Json | Format::Csv | Format::Markdown => {
                Text::of(table_of(judgement, style))
            }
        }
    }
}

fn table_of(judgement: &Judgement, style: &Style) -> String {
    if style.is_quiet() && !judgement.is_failed() {
        return findings(judgement);
    }
    let locks = match style.is_verbose() && !judgement.locks.is_empty() {
        true => locks(&judgement.locks) + "\n",
        false => String::new(),
    };
    findings(judgement) + &locks + &checks(judgement) + &layout(judgement)
}

fn findings(judgement: &Judgement) -> String {
    judgement.findings.iter().map(finding).collect()
}

/// For people beside a product for programs.
fn narrated(product: String, judgement: &Judgement) -> Text {
    let mut text = Text::of(product);
    for check in &judgement.checks {
        let reason = check.reason.as_deref().unwrap_or_default();
        let on = match judgement.verified_on.len() {
            0 | 1 => String::new(),
            _ => format!(" on {}", check.servers.join(", ")),
        };
        let (name, verdict) = (check.name.name(), check.verdict.name());
        text.narrate(format!("{name}: {verdict}{on}: {reason}"));
    }
    if let Some(counted) = counted(&judgement.findings) {
        text.narrate(format!("Found {counted}."));
    }
    text
}

fn layout(judgement: &Judgement) -> String {
    let laid_out = judgement.laid_out.map(|laid_out| format!("layout: {}\n", laid_out.name()));
    laid_out.unwrap_or_default()
}

/// Which server a check was made on is said where there were several.
fn checks(judgement: &Judgement) -> String {
    let several = judgement.verified_on.len() > 1;
    let columns = ["server", "check", "verdict", "time", "what"];
    let mut table = table(if several { &columns } else { &columns[1..] });
    for check in &judgement.checks {
        let server = several.then(|| cell(check.servers.join(", ")));
        table.add_row(server.into_iter().chain(cells(check)).collect::<Vec<_>>());
    }
    text(&table)
}

fn cells(check: &Check) -> [Cell; 4] {
    [
        cell(check.name.name()),
        cell(check.verdict.name()),
        right(figures::duration(check.took)),
        cell(check.reason.as_deref().unwrap_or("-")),
    ]
}

/// Every lock on what was there before.
fn locks(locks: &[HeldLock]) -> String {
    let mut table = table(&["table", "lock", "held", "rewrites", "scans", "statement"]);
    let yes = |is: bool| if is { "yes" } else { "-" };
    for lock in locks {
        let file = lock.place.file.display().to_string();
        table.add_row(vec![
            cell(lock.relation.to_string()),
            cell(lock.mode.map_or("not seen".to_owned(), |mode| mode.to_string())),
            right(figures::duration(lock.held)),
            cell(yes(lock.is_rewritten)),
            cell(yes(lock.is_scanned)),
            cell(format!("{}:{}", harmless(&file), lock.place.line)),
        ]);
    }
    text(&table)
}

/// As compilers do it: `file:line:column: severity: message [rule]`, the line, and what to do.
fn finding(finding: &Finding) -> String {
    let Finding { rule, severity, place, message, help, .. } = finding;
    let mut lines = match place {
        Some(place) => {
            let Place { file, line, column, text, from } = place;
            let file = file.display().to_string();
            let head = format!("{}:{line}:{column}: ", harmless(&file));
            let number = line.to_string();
            // A tab stays as wide as it is in the line above it.
            let before = text.chars().take(place.before());
            let before = before.map(|char| if char == '\t' { '\t' } else { ' ' });
            let (blank, before) = (" ".repeat(number.len()), before.collect::<String>());
            let shown = text.split('\t').map(harmless).collect::<Vec<_>>().join("\t");
            // Of a very long line only a part is shown.
            let cut = if *from > 1 { "…" } else { "" };
            let under = if *from > 1 { " " } else { "" };
            [head, format!("\n  {number} | {cut}{shown}\n  {blank} | {under}{before}^")]
        }
        None => [String::new(), String::new()],
    };
    lines[0].push_str(&format!("{}: {} [{rule}]", severity.name(), harmless(message)));
    let help = help.as_ref().map(|help| format!("\n  help: {}", harmless(help)));
    format!("{}{}{}\n\n", lines[0], lines[1], help.unwrap_or_default())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::plan::verify::Severity;

    /// A finding that tries everything.
    pub fn found() -> Finding {
        Finding {
            rule: "a:b,c".to_owned(),
            severity: Severity::Error,
            place: Some(Place {
                file: "a,b:c%.sql".into(),
                line: 12,
                column: 4,
                text: "\tx \u{1b}y".to_owned(),
                from: 1,
            }),
            message: "100%\r\nsure: yes, \u{1b}[2J".to_owned(),
            help: Some("do".to_owned()),
            check: None,
            servers: Vec::new(),
        }
    }

    #[test]
    fn people_see_the_line_and_nothing_that_a_terminal_obeys() {
        let shown = finding(&found());
        let wanted = "a,b:c%.sql:12:4: error: 100%\\r\\nsure: yes, \\u{1b}[2J [a:b,c]\n  \
                      12 | \tx \\u{1b}y\n     | \t  ^\n  help: do\n\n";
        assert_eq!(shown, wanted);
    }
}
