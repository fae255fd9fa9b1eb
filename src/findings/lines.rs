//! A finding as people read it.

use super::{Finding, Place, Review};
use crate::declared::Source;
use crate::escape_control::escape_control;

/// As compilers do it: `file:line:column: severity: message [rule]`, the line, and what to do.
pub fn lines(finding: &Finding, review: &Review) -> String {
    let Finding { rule, severity, place, help, .. } = finding;
    let message = review.message_of(finding);
    let mut parts = match place {
        Some(place) => {
            let Place { at: Source { file, line, column }, text, from } = place;
            let shown = file.display().to_string();
            let head = format!("{}:{line}:{column}: ", escape_control(&shown));
            let number = line.to_string();
            // A tab stays as wide as it is in the line above it.
            let before = text
                .chars()
                .take(place.before())
                .map(|char| if char == '\t' { '\t' } else { ' ' });
            let (blank, before) = (" ".repeat(number.len()), before.collect::<String>());
            let shown = text.split('\t').map(escape_control).collect::<Vec<_>>().join("\t");
            // Of a very long line only a part is shown.
            let cut = if *from > 1 { "…" } else { "" };
            let under = if *from > 1 { " " } else { "" };
            [head, format!("\n  {number} | {cut}{shown}\n  {blank} | {under}{before}^")]
        }
        None => [String::new(), String::new()],
    };
    parts[0].push_str(&format!("{}: {} [{rule}]", severity.name(), escape_control(&message)));
    if let Some(help) = help {
        parts[1].push_str(&format!("\n  help: {}", escape_control(help)));
    }
    format!("{}{}\n\n", parts[0], parts[1])
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use super::*;
    use crate::findings::Severity;

    /// A finding that tries everything.
    pub fn found() -> Finding {
        let place = Place {
            at: Source { file: Path::new("a,b:c%.sql").into(), line: 12, column: 4 },
            text: "\tx \u{1b}y".to_owned(),
            from: 1,
        };
        let message = "100%\r\nsure: yes, \u{1b}[2J";
        Finding::of("a:b,c", Severity::Error, Some(place), message).help("do")
    }

    #[test]
    fn people_see_the_line_and_nothing_that_a_terminal_obeys() {
        let shown = lines(&found(), &Review::new(Severity::Error.into()));
        let wanted = "a,b:c%.sql:12:4: error: 100%\\r\\nsure: yes, \\u{1b}[2J [a:b,c]\n  \
                      12 | \tx \\u{1b}y\n     | \t  ^\n  help: do\n\n";
        assert_eq!(shown, wanted);
    }
}
