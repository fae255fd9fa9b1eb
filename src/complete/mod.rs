//! What shells offer while a command line is typed: with `COMPLETE=bash`, `zsh` or `fish` in its environment, the
//! program answers the shell and does nothing else. It never asks anything and says nothing on standard error:
//! where a server or a file cannot be had in time, there is nothing to offer.

mod names;
mod request;
mod values;
mod words;

use clap_complete::Shell;
use clap_complete::engine::{CompletionCandidate, complete};

use crate::cli;
use crate::escape_control::escape_control;
use crate::jobs::completions;
use crate::output;
use request::CompletionRequest;

/// Answers the shell that asks, if one does.
pub fn answers_a_shell() -> bool {
    let Some(request) = CompletionRequest::of_process() else {
        return false;
    };
    output::answer_shell(&answer(&request));
    true
}

/// One candidate a line.
fn answer(request: &CompletionRequest) -> String {
    let Some(current) = request.words.last() else {
        return completions::script(request.shell).unwrap_or_default().to_owned();
    };
    let mut parser = values::offered(cli::parser(), request);
    let words = request.words.iter().map(|word| word.text.clone().into()).collect::<Vec<_>>();
    let at = words.len() - 1;
    let folder = std::env::current_dir().ok();
    let mut candidates = complete(&mut parser, words, at, folder.as_deref()).unwrap_or_default();
    let is_option =
        |candidate: &CompletionCandidate| candidate.get_value().to_string_lossy().starts_with('-');
    // Who has not begun an option wants what stands there first.
    if !current.text.starts_with('-') && !candidates.iter().all(is_option) {
        candidates.retain(|candidate| !is_option(candidate));
    }
    candidates.iter().filter_map(|candidate| line(candidate, request)).collect()
}

/// A candidate as the shell reads it; `None` for one that no line can hold.
fn line(candidate: &CompletionCandidate, request: &CompletionRequest) -> Option<String> {
    let value = candidate.get_value().to_str()?;
    if escape_control(value) != value {
        return None;
    }
    let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
    let help = escape_control(help.lines().next().unwrap_or_default()).into_owned();
    match (request.shell, help.as_str()) {
        (Shell::Bash, _) => {
            let given = words::for_bash(value, request.words.last()?)?;
            Some(format!("{given}\n"))
        }
        (_, "") => Some(format!("{value}\n")),
        (_, help) => Some(format!("{value}\t{help}\n")),
    }
}
