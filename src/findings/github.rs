//! Workflow commands of GitHub Actions.

use super::Repository;
use super::{Finding, Review, Severity};
use crate::escape_control::escape_control;
use crate::failure::Failure;

/// An annotation a line.
pub fn text(review: &Review, repository: &Repository) -> String {
    review
        .findings
        .iter()
        .map(|finding| annotation(finding, review, repository))
        .collect()
}

/// What ended the command.
pub fn failure(failure: &Failure) -> String {
    format!("::error title=pgtend::{}\n", data(&failure.to_string()))
}

fn annotation(finding: &Finding, review: &Review, repository: &Repository) -> String {
    let command = match finding.severity {
        Severity::Critical | Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let place = finding.place.as_ref().map_or(String::new(), |place| {
        let file = property(&repository.name(&place.at.file));
        format!("file={file},line={},col={},", place.at.line, place.at.column)
    });
    let help = finding.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
    let message = data(&format!("{}{help}", review.message_of(finding)));
    format!("::{command} {place}title={}::{message}\n", property(&finding.rule))
}

/// As @actions/core escapes a command's message; the log that shows it is a terminal, too.
fn data(text: &str) -> String {
    let escaped = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    escape_control(&escaped).into_owned()
}

/// As @actions/core escapes a command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::lines::tests::found;
    use crate::findings::repository::tests::repository;

    #[test]
    fn annotations_are_escaped_as_github_reads_them() {
        let shown = annotation(&found(), &Review::new(Severity::Error.into()), &repository());
        let wanted = "::error file=db/a%2Cb%3Ac%25.sql,line=12,col=4,title=a%3Ab%2Cc::\
                      100%25%0D%0Asure: yes, \\u{1b}[2J%0Ado\n";
        assert_eq!(shown, wanted);
    }
}
