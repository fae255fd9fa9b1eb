//! What `verify` shows.

mod fingerprint;
mod github;
mod gitlab;
mod junit;
mod repository;
mod sarif;

use std::path::PathBuf;

use comfy_table::Cell;

use super::document::{
    CheckDocument, Document, FindingDocument, LayoutDocument, LockDocument, Outcome, SinceDocument,
};
use super::harmless::harmless;
use super::table::{cell, right, table, text};
use super::{Console, Format, Volume, json_line};
use crate::failure::{Failure, Result};
use crate::figures;
use crate::plan::verify::{Check, Finding, HeldLock, Judgement, Place, Rule, counted};
use repository::Repository;

/// Shows what was found out, in the format that was asked for, and writes the files.
///
/// # Errors
/// `Io` where a file cannot be written; then nothing is shown.
pub fn show(console: &Console, judgement: &Judgement, paths: &[PathBuf]) -> Result<()> {
    let subject = paths.first().map(PathBuf::as_path);
    let repository = Repository::here(subject.unwrap_or("migrations".as_ref()));
    for report in console.reports() {
        report.write(&product(console, report.format, judgement, &repository))?;
    }
    if let Some((commit, number @ 1..)) = judgement.left_out() {
        let findings = figures::count(number, "finding", "findings");
        console
            .narrate(&format!("Left out: {findings} in files that did not change since {commit}."));
    }
    let format = console.manner().format;
    if format == Format::Table && console.manner().volume == Volume::Quiet && !judgement.is_failed()
    {
        console.product(&findings(judgement));
        return Ok(());
    }
    console.product(&product(console, format, judgement, &repository));
    if !matches!(format, Format::Table | Format::Json) {
        narrate(console, judgement);
    }
    Ok(())
}

fn product(
    console: &Console,
    format: Format,
    judgement: &Judgement,
    repository: &Repository,
) -> String {
    match format {
        Format::Json => json_line(&document(console, judgement)),
        Format::Github => github::text(judgement, repository),
        Format::Sarif => sarif::text(judgement, repository),
        Format::Junit => junit::text(judgement, repository),
        Format::Gitlab => gitlab::text(judgement, repository),
        Format::Table | Format::Csv | Format::Markdown => {
            findings(judgement)
                + &all_locks(console, judgement)
                + &checks(judgement)
                + &layout(judgement)
        }
    }
}

/// What is left of the product where the command could not do its job; what reads it has to find
/// something that it understands.
pub fn failure(console: &Console, format: Format, failure: &Failure) -> String {
    match format {
        Format::Json => json_line(&console.document().failed(failure)),
        Format::Github => github::failure(failure),
        Format::Sarif => sarif::failure(failure),
        Format::Junit => junit::failure(failure),
        Format::Gitlab => gitlab::NOTHING.to_owned(),
        Format::Table | Format::Csv | Format::Markdown => String::new(),
    }
}

fn document(console: &Console, judgement: &Judgement) -> Document {
    let mut document = console.document();
    document.outcome = if judgement.is_failed() { Outcome::Findings } else { Outcome::Done };
    document.checks = Some(judgement.checks.iter().map(CheckDocument::new).collect());
    document.since = judgement.left_out().map(SinceDocument::new);
    document.findings = Some(judgement.findings.iter().map(FindingDocument::new).collect());
    document.layout = judgement.laid_out.map(LayoutDocument::new);
    document.verified_on(&judgement.verified_on);
    document.locks = Some(judgement.locks.iter().map(LockDocument::new).collect());
    document
}

fn findings(judgement: &Judgement) -> String {
    judgement.findings.iter().map(finding).collect()
}

fn narrate(console: &Console, judgement: &Judgement) {
    for check in &judgement.checks {
        let reason = check.reason.as_deref().unwrap_or_default();
        let on = match judgement.verified_on.len() {
            0 | 1 => String::new(),
            _ => format!(" on {}", check.servers.join(", ")),
        };
        let (name, verdict) = (check.name.name(), check.verdict.name());
        console.narrate(&format!("{name}: {verdict}{on}: {reason}"));
    }
    if let Some(counted) = counted(&judgement.findings) {
        console.narrate(&format!("Found {counted}."));
    }
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

/// For those who ask.
fn all_locks(console: &Console, judgement: &Judgement) -> String {
    if console.manner().volume < Volume::Verbose || judgement.locks.is_empty() {
        return String::new();
    }
    locks(&judgement.locks) + "\n"
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

/// A rule's page, with how bad its findings are.
pub fn page(rule: &Rule) -> String {
    let (title, rest) = rule.page.split_once('\n').unwrap_or((rule.page, ""));
    format!("{title} ({})\n{rest}", rule.severity.name())
}

/// Our rules, a line each.
pub fn rules() -> String {
    let mut table = table(&["rule", "severity", "what"]);
    for rule in Rule::ALL {
        table.add_row([rule.name, rule.severity.name(), rule.summary()]);
    }
    text(&table)
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
