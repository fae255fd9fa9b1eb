//! Markdown, for a job's summary or a comment on a change.

use super::{Finding, Repository, Review, counted};
use crate::escape_control::escape_control;
use crate::failure::Failure;

/// The checks, and the findings with their places.
pub fn text(review: &Review, repository: &Repository) -> String {
    let verdict = if review.is_failed() { "failed" } else { "passed" };
    let counted = counted(&review.findings).map_or_else(String::new, |text| format!(": {text}"));
    let mut text =
        format!("## pgtend: {verdict}{counted}\n\n| check | verdict | what |\n|---|---|---|\n");
    for check in &review.checks {
        let reason = check.reason.as_deref().map_or_else(|| "-".to_owned(), in_table);
        let (name, verdict) = (in_table(&review.name_of(check)), check.verdict.name());
        text.push_str(&format!("| {name} | {verdict} | {reason} |\n"));
    }
    for finding in &review.findings {
        text.push_str(&item(finding, review, repository));
    }
    text
}

/// What ended the command.
pub fn failure(failure: &Failure) -> String {
    let hint = failure
        .hint
        .as_deref()
        .map_or_else(String::new, |hint| format!("\n\n{}", code(hint)));
    format!("## pgtend: not done\n\n{}{hint}\n", code(&failure.to_string()))
}

fn item(finding: &Finding, review: &Review, repository: &Repository) -> String {
    let place = finding.place.as_ref().map_or_else(String::new, |place| {
        let file = repository.name(&place.at.file);
        format!("{} ", code(&format!("{file}:{}:{}", place.at.line, place.at.column)))
    });
    let (severity, rule) = (finding.severity.name(), code(&finding.rule));
    let message = code(&review.message_of(finding));
    let help = finding
        .help
        .as_deref()
        .map_or_else(String::new, |help| format!("  \n  {}", code(help)));
    format!("\n- {place}**{severity}** {rule}: {message}{help}\n")
}

/// Names and messages are of anybody's making: in a code span nothing is a link, a tag or a mention.
fn code(text: &str) -> String {
    let text = escape_control(text.trim()).replace('`', "'");
    format!("`{text}`")
}

fn in_table(text: &str) -> String {
    code(text).replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::lines::tests::found;
    use crate::findings::repository::tests::repository;
    use crate::findings::{FailOn, Severity};

    #[test]
    fn texts_of_others_stand_in_code_spans() {
        let mut review = Review::new(FailOn::from(Severity::Error));
        let message = "`](http://x) <b>@all".to_owned();
        review.findings.push(Finding { message, ..found() });
        let text = text(&review, &repository());
        let wanted = "- `db/a,b:c%.sql:12:4` **error** `a:b,c`: `'](http://x) <b>@all`  \n  `do`\n";
        assert!(text.starts_with("## pgtend: failed: 1 error\n"), "{text}");
        assert!(text.ends_with(wanted), "{text}");
    }
}
