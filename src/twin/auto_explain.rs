//! Statements in a server log: what auto_explain has logged with `auto_explain.log_format = json`.

use std::path::Path;

use serde::Deserialize;

use super::workload::WorkloadStatement;
use crate::declared::unreadable;
use crate::failure::Result;
use crate::syntax::lexer::{TokenKind, tokens};

#[derive(Deserialize)]
struct Logged {
    #[serde(rename = "Query Text")]
    text: String,
}

#[derive(Deserialize)]
struct JsonLine {
    message: Option<String>,
}

const MARK: &str = "ms  plan:";

/// The statements of a log, each once: what differs in its constants alone is the same, and the first
/// text stands for it. Their durations add up.
///
/// # Errors
/// `Usage` where the file cannot be read.
pub fn of_log(path: &Path) -> Result<Vec<WorkloadStatement>> {
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    Ok(statements(&String::from_utf8_lossy(&bytes), &path.display().to_string()))
}

fn statements(log: &str, name: &str) -> Vec<WorkloadStatement> {
    let mut found: Vec<(String, WorkloadStatement)> = Vec::new();
    for (line, message) in messages(log) {
        let Some((duration, text)) = read(&message) else {
            continue;
        };
        let statement = WorkloadStatement {
            name: format!("{name}:{line}"),
            text,
            calls: 1.0,
            total_ms: Some(duration),
            ..WorkloadStatement::default()
        };
        let key = without_constants(&statement.text);
        match found.iter_mut().find(|(known, _)| *known == key) {
            Some((_, same)) => same.count(&statement),
            None => found.push((key, statement)),
        }
    }
    found.into_iter().map(|(_, statement)| statement).collect()
}

/// Each message with a plan and the line at which it begins. In a log of text the lines behind the first
/// begin with a tab; in one of JSON a message is a line.
fn messages(log: &str) -> Vec<(usize, String)> {
    let mut messages: Vec<(usize, String)> = Vec::new();
    for (at, line) in log.lines().enumerate() {
        if line.starts_with('{')
            && let Ok(JsonLine { message: Some(message) }) = serde_json::from_str(line)
        {
            messages.push((at + 1, message));
        } else if line.contains(MARK) {
            messages.push((at + 1, line.to_owned()));
        } else if let (Some(more), Some((_, message))) =
            (line.strip_prefix('\t'), messages.last_mut())
        {
            message.push('\n');
            message.push_str(more);
        }
    }
    messages
}

/// `duration: 12.345 ms  plan: {…}`
fn read(message: &str) -> Option<(f64, String)> {
    let (head, plan) = message.split_once(MARK)?;
    let duration = head.rsplit("duration: ").next()?.trim().parse().ok()?;
    let mut documents = serde_json::Deserializer::from_str(plan).into_iter::<Logged>();
    Some((duration, documents.next()?.ok()?.text))
}

fn without_constants(text: &str) -> String {
    let words = tokens(text).map(|token| match token.kind {
        TokenKind::Text | TokenKind::Number | TokenKind::Parameter => "?",
        _ => token.text(text),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "2026-01-01 LOG:  duration: 12.5 ms  plan:\n\
        \t{\n\t  \"Query Text\": \"SELECT * FROM t WHERE a = 'x'\",\n\t  \"Plan\": {\"Node Type\": \"Seq Scan\"}\n\t}\n\
        2026-01-01 LOG:  connection received\n\
        2026-01-01 LOG:  duration: 7.5 ms  plan:\n\
        \t{ \"Query Text\": \"SELECT * FROM t WHERE a = 'y'\", \"Plan\": {} }\n\
        {\"timestamp\":\"2026\",\"message\":\"duration: 1.0 ms  plan:\\n{\\\"Query Text\\\": \\\"SELECT 2\\\"}\"}\n\
        2026-01-01 LOG:  duration: 3 ms  plan:\n\
        \tQuery Text: SELECT 1\n";

    #[test]
    fn a_log_tells_texts_and_durations() {
        let found = statements(LOG, "log");
        let told = found
            .iter()
            .map(|it| (it.name.as_str(), it.text.as_str(), it.calls, it.total_ms));
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                ("log:1", "SELECT * FROM t WHERE a = 'x'", 2.0, Some(20.0)),
                ("log:9", "SELECT 2", 1.0, Some(1.0)),
            ]
        );
    }
}
