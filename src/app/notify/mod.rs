//! Tells a program or a webhook what a command came to. It takes no longer than it may, and whatever
//! becomes of it is a warning: the command's result is not changed by who hears of it.

mod program;
mod slack;
mod webhook;

use std::time::Duration;

use crate::config::{Config, NotifyConfig, NotifyFormat, NotifyOn};
use crate::failure::Failure;
use crate::output::{Console, Format, Origin, Outcome, Report, Style, Verbosity};

/// The commands of which somebody may want to hear who does not sit before them.
pub const TELLING: [&str; 9] = [
    "analyze", "apply", "check", "plan", "refresh", "reindex", "snapshot", "vacuum", "verify",
];

/// What a command came to.
struct NotifiedOutcome {
    command: &'static str,
    outcome: Outcome,
    /// The JSON document.
    document: String,
    /// As people read it.
    text: String,
}

/// Tells what the configuration says of the result.
pub async fn tell(
    config: &Config,
    result: Result<&dyn Report, &Failure>,
    console: &Console,
    origin: &Origin,
) {
    let notify = &config.notify;
    if !notify.is_set() || !TELLING.contains(&origin.command()) {
        return;
    }
    let outcome = match result {
        Ok(report) => report.outcome(),
        Err(failure) => failure.kind.into(),
    };
    if !is_wanted(notify, outcome) {
        return;
    }
    if let Some(file) = &config.found_here {
        let file = file.display();
        console.warn(&format!(
            "[notify] of {file} is passed over, because nobody has named the file: whoever made the \
             folder would run his program; --config {file} names it"
        ));
        return;
    }
    let told = told(result, outcome, origin);
    let (program, webhook) = tokio::join!(run_program(notify, &told), call_webhook(notify, &told));
    for failure in [program, webhook].into_iter().filter_map(Result::err) {
        console.warn(&format!("nobody was told: {failure}"));
    }
}

fn is_wanted(notify: &NotifyConfig, outcome: Outcome) -> bool {
    notify.on.iter().any(|on| match on {
        NotifyOn::Always => true,
        NotifyOn::Failed => outcome == Outcome::Failed,
        NotifyOn::Findings => outcome == Outcome::Findings,
        NotifyOn::Cancelled => matches!(outcome, Outcome::Cancelled(_)),
    })
}

fn told(
    result: Result<&dyn Report, &Failure>,
    outcome: Outcome,
    origin: &Origin,
) -> NotifiedOutcome {
    let style = Style {
        format: Format::Table,
        verbosity: Verbosity::Normal,
        width: None,
    };
    let (document, text) = match result {
        Ok(report) => (report.json(origin.head()), report.text(&style).joined()),
        Err(failure) => {
            let hint = failure.hint.as_deref().map(|hint| format!("\nhint: {hint}"));
            let text = format!("{failure}{}", hint.unwrap_or_default());
            (origin.head().failed(failure), text)
        }
    };
    NotifiedOutcome { command: origin.command(), outcome, document, text }
}

async fn run_program(notify: &NotifyConfig, told: &NotifiedOutcome) -> Result<(), String> {
    let Some((program, arguments)) = notify.exec.split_first() else {
        return Ok(());
    };
    let document = format!("{}\n", told.document);
    program::run(program, arguments, &document, notify.timeout)
        .await
        .map_err(|why| format!("{program} {why}"))
}

async fn call_webhook(notify: &NotifyConfig, told: &NotifiedOutcome) -> Result<(), String> {
    let Some(url) = webhook::url(notify)? else {
        return Ok(());
    };
    let body = match notify.format {
        NotifyFormat::Json => told.document.clone(),
        NotifyFormat::Slack => slack::message(told),
    };
    let place = webhook::WebhookUrl::of(&url)?;
    let host = place.host().to_owned();
    let answer = within(notify.timeout, place.post(body)).await;
    answer.map_err(|why| format!("the webhook at {host}: {why}"))
}

async fn within(
    timeout: Duration,
    work: impl Future<Output = Result<(), String>>,
) -> Result<(), String> {
    let late = || format!("no answer within {}", humantime::format_duration(timeout));
    tokio::time::timeout(timeout, work).await.unwrap_or_else(|_| Err(late()))
}
