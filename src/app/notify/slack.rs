//! A message as Slack takes it: <https://docs.slack.dev/messaging/formatting-message-text>.

use serde_json::json;

use super::NotifiedOutcome;
use crate::escape_control;

/// Slack cuts a text of more than 4,000 characters.
const LONGEST: usize = 3_000;

pub fn message(told: &NotifiedOutcome) -> String {
    let text = told.text.trim();
    let cut = text.chars().take(LONGEST).collect::<String>();
    let more = if cut.len() < text.len() { "\n…" } else { "" };
    let body = escaped(&escape_control::lines(&cut)).replace("```", "'''");
    let title = format!("*pgtend {}: {}*", told.command, told.outcome.name().replace('_', " "));
    let text = match body.is_empty() {
        true => title,
        false => format!("{title}\n```\n{body}{more}\n```"),
    };
    json!({ "text": text }).to_string()
}

/// What would be a link or a mention otherwise.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Outcome;

    fn of(text: &str) -> String {
        message(&NotifiedOutcome {
            command: "check",
            outcome: Outcome::Findings,
            document: String::new(),
            text: text.to_owned(),
        })
    }

    #[test]
    fn names_mention_nobody() {
        assert_eq!(
            of("t <!channel> & ```x\u{1b}\n"),
            r#"{"text":"*pgtend check: findings*\n```\nt &lt;!channel&gt; &amp; '''x\\u{1b}\n```"}"#
        );
        assert_eq!(of(""), r#"{"text":"*pgtend check: findings*"}"#);
        assert!(of(&"ä".repeat(5_000)).contains("ä\\n…\\n```"));
    }
}
