//! What each step of a run has sent and come to, for the moment when all work has to be left where it
//! is: a signal came, and the server does not answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::event::{Event, Status, StepIndex, StepOutcome};
use super::plan::Statement;
use super::reason::Why;
use crate::cancel::Signal;

/// The steps that were begun.
#[derive(Debug, Clone, Default)]
pub struct Begun(Arc<Mutex<HashMap<StepIndex, BegunStep>>>);

#[derive(Debug)]
struct BegunStep {
    since: Instant,
    sent: Vec<Statement>,
    outcome: Option<StepOutcome>,
}

impl Begun {
    /// Follows what is begun, sent and ended.
    pub fn hear(&self, event: &Event) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || BegunStep { since: Instant::now(), sent: Vec::new(), outcome: None };
        match event {
            Event::Started(at) => drop(all.insert(*at, new())),
            Event::Sending(at, statement) => {
                all.entry(*at).or_insert_with(new).sent.push(statement.clone());
            }
            Event::Finished(at, outcome) => {
                all.entry(*at).or_insert_with(new).outcome = Some((**outcome).clone());
            }
            _ => {}
        }
    }

    /// What the step has come to, where it has ended, or has to be left as it is; `None` where it was
    /// not begun.
    pub fn left(&self, at: StepIndex, signal: Signal) -> Option<StepOutcome> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = all.get(&at)?;
        if let Some(outcome) = &entry.outcome {
            return Some(outcome.clone());
        }
        let reason = format!("{} came, and the server does not answer", signal.name());
        Some(StepOutcome {
            started: Some(entry.since),
            duration: entry.since.elapsed(),
            ..unknown(&reason, &entry.sent)
        })
    }
}

/// The outcome of a step whose statements were sent, and of whose end nothing is known.
pub fn unknown(reason: &str, sent: &[Statement]) -> StepOutcome {
    let sql = sent.iter().flat_map(Statement::texts).collect();
    let mut made = sent
        .iter()
        .filter_map(|statement| match statement {
            Statement::Build { index, .. } => {
                Some(format!("DROP INDEX CONCURRENTLY IF EXISTS {index};"))
            }
            _ => None,
        })
        .collect::<Vec<_>>();
    made.dedup();
    let left = match made.is_empty() {
        true => "what became of its statement is not known",
        false => "what it left could not be dropped, the next run does it",
    };
    let outcome =
        StepOutcome::new(Status::Cancelled, Why::LeftBehind { why: reason.to_owned(), left });
    let cleanup = (!made.is_empty()).then(|| made.join("\n"));
    StepOutcome { sent: sql, cleanup, ..outcome }
}
