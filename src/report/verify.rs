//! What `verify` shows.

use comfy_table::Cell;

use super::document::{CheckDocument, FindingDocument, Outcome};
use super::harmless::harmless;
use super::table::{right, table, text};
use super::{Console, Format, Volume};
use crate::failure::Failure;
use crate::figures;
use crate::plan::verify::{Check, Finding, Judgement, Place, Rule, Severity, counted};

/// Shows what was found out, in the format that was asked for.
pub fn show(console: &Console, judgement: &Judgement) {
    match console.manner().format {
        Format::Json => json(console, judgement),
        Format::Github => {
            console.product(&judgement.findings.iter().map(annotation).collect::<String>());
            narrate(console, judgement);
        }
        _ => {
            console.product(&judgement.findings.iter().map(finding).collect::<String>());
            if console.manner().volume > Volume::Quiet || judgement.is_failed() {
                console.product(&checks(judgement));
            }
        }
    }
}

fn json(console: &Console, judgement: &Judgement) {
    let mut document = console.document();
    document.outcome = if judgement.is_failed() { Outcome::Findings } else { Outcome::Done };
    document.checks = Some(judgement.checks.iter().map(CheckDocument::new).collect());
    document.findings = Some(judgement.findings.iter().map(FindingDocument::new).collect());
    document.verified_on(&judgement.verified_on);
    console.json(&document);
}

fn narrate(console: &Console, judgement: &Judgement) {
    for check in &judgement.checks {
        let reason = check.reason.as_deref().unwrap_or_default();
        let on = match judgement.verified_on.len() {
            1 => String::new(),
            _ => format!(" on {}", check.servers.join(", ")),
        };
        let (name, verdict) = (check.name.name(), check.verdict.name());
        console.narrate(&format!("{name}: {verdict}{on}: {reason}"));
    }
    if let Some(counted) = counted(&judgement.findings) {
        console.narrate(&format!("Found {counted}."));
    }
}

/// Which server a check was made on is said where there were several.
fn checks(judgement: &Judgement) -> String {
    let several = judgement.verified_on.len() > 1;
    let columns = ["server", "check", "verdict", "time", "what"];
    let mut table = table(if several { &columns } else { &columns[1..] });
    for check in &judgement.checks {
        let server = several.then(|| Cell::new(check.servers.join(", ")));
        table.add_row(server.into_iter().chain(cells(check)).collect::<Vec<_>>());
    }
    text(&table)
}

fn cells(check: &Check) -> [Cell; 4] {
    [
        Cell::new(check.name.name()),
        Cell::new(check.verdict.name()),
        right(figures::duration(check.took)),
        Cell::new(check.reason.as_deref().unwrap_or("-")),
    ]
}

/// As compilers do it: `file:line:column: severity: message [rule]`, the line, and what to do.
fn finding(finding: &Finding) -> String {
    let Finding { rule, severity, place, message, help, .. } = finding;
    let mut lines = match place {
        Some(Place { file, line, column, text }) => {
            let file = file.display().to_string();
            let head = format!("{}:{line}:{column}: ", harmless(&file));
            let number = line.to_string();
            // A tab stays as wide as it is in the line above it.
            let before = text.chars().take(usize::try_from(*column).unwrap_or(1).saturating_sub(1));
            let before = before.map(|char| if char == '\t' { '\t' } else { ' ' });
            let (blank, before) = (" ".repeat(number.len()), before.collect::<String>());
            let shown = text.split('\t').map(harmless).collect::<Vec<_>>().join("\t");
            [head, format!("\n  {number} | {shown}\n  {blank} | {before}^")]
        }
        None => [String::new(), String::new()],
    };
    lines[0].push_str(&format!("{}: {} [{rule}]", severity.name(), harmless(message)));
    let help = help.as_ref().map(|help| format!("\n  help: {}", harmless(help)));
    format!("{}{}{}\n\n", lines[0], lines[1], help.unwrap_or_default())
}

/// A workflow command of GitHub Actions.
fn annotation(finding: &Finding) -> String {
    let command = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let place = finding.place.as_ref().map_or(String::new(), |place| {
        let file = place.file.display().to_string();
        // GitHub knows the repository's files by their names, without a way to them.
        let file = property(file.strip_prefix("./").unwrap_or(&file));
        format!("file={file},line={},col={},", place.line, place.column)
    });
    let help = finding.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
    let message = data(&format!("{}{help}", finding.message));
    format!("::{command} {place}title={}::{message}\n", property(&finding.rule))
}

/// What ended the command, as GitHub Actions shows it.
pub fn failure_annotation(failure: &Failure) -> String {
    format!("::error title=pgtend::{}\n", data(&failure.to_string()))
}

/// As @actions/core escapes a command's message.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// As @actions/core escapes a command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
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
mod tests {
    use super::*;

    fn found() -> Finding {
        Finding {
            rule: "a:b,c".to_owned(),
            severity: Severity::Error,
            place: Some(Place {
                file: "a,b:c%.sql".into(),
                line: 12,
                column: 4,
                text: "\tx \u{1b}y".to_owned(),
            }),
            message: "100%\r\nsure: yes, \u{1b}[2J".to_owned(),
            help: Some("do".to_owned()),
            servers: Vec::new(),
        }
    }

    #[test]
    fn annotations_are_escaped_as_github_reads_them() {
        let shown = annotation(&found());
        let wanted = "::error file=a%2Cb%3Ac%25.sql,line=12,col=4,title=a%3Ab%2Cc::\
                      100%25%0D%0Asure: yes, \u{1b}[2J%0Ado\n";
        assert_eq!(shown, wanted);
    }

    #[test]
    fn people_see_the_line_and_nothing_that_a_terminal_obeys() {
        let shown = finding(&found());
        let wanted = "a,b:c%.sql:12:4: error: 100%\\r\\nsure: yes, \\u{1b}[2J [a:b,c]\n  \
                      12 | \tx \\u{1b}y\n     | \t  ^\n  help: do\n\n";
        assert_eq!(shown, wanted);
    }
}
