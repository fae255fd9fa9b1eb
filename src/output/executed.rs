//! What commands show that change objects: apply, refresh, vacuum, analyze.

use std::borrow::Cow;
use std::time::Duration;

use super::steps::{StepsDocument, gist};
use super::{Head, Outcome, Report, Style, Text, within_schema};
use crate::format;
use crate::work::event::{Executed, ExecutedStep, Status, StepOutcome};

/// What was done, object by object.
pub struct ExecutedReport {
    /// The steps, and how they ended.
    pub done: Executed,
    /// What it came to.
    pub outcome: Outcome,
    /// In which words.
    pub telling: Telling,
    /// The schema, where it was done in one of several.
    pub schema: Option<String>,
}

/// How a job tells people what it did.
#[derive(Clone, Copy)]
pub struct Telling {
    /// Whether a step is told one by one.
    pub is_told: fn(&StepOutcome, &Style) -> bool,
    /// Those that are.
    pub table: fn(&[&ExecutedStep], Option<u16>) -> String,
    /// All of them, in a sentence.
    pub summary: fn(&Executed) -> String,
}

/// `3 done, 1 failed`: what there is any of.
pub fn counted(counts: &[(usize, &str)]) -> String {
    let any = counts.iter().filter(|(number, _)| *number > 0);
    any.map(|(number, word)| format!("{number} {word}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// How long it took; nothing where it was not begun.
pub fn took(outcome: &StepOutcome) -> String {
    match outcome.started {
        Some(_) => format::duration(outcome.duration),
        None => "-".to_owned(),
    }
}

/// `3 built in 52 s, 1.1 GiB; 1 failed`: what was done with its time and size, then the rest.
pub fn in_all(done: &Executed, what: &[(usize, &str)], others: &[(usize, &str)]) -> String {
    let size = done
        .outcomes()
        .filter(|outcome| outcome.status == Status::Done)
        .filter_map(|outcome| outcome.size_bytes)
        .sum::<i64>();
    let size = match size {
        0 => String::new(),
        size => format!(", {}", format::bytes(size)),
    };
    let what = counted(what);
    let took = match done.took {
        Duration::ZERO => String::new(),
        took => format!(" in {}", format::duration(took)),
    };
    let what = (!what.is_empty()).then(|| format!("{what}{took}{size}"));
    let others = Some(counted(others)).filter(|others| !others.is_empty());
    format!("{}.", [what, others].into_iter().flatten().collect::<Vec<_>>().join("; "))
}

/// What failed stands last, where a terminal shows it.
fn failures_last(steps: &mut [&ExecutedStep]) {
    steps.sort_by_key(|executed| match executed.outcome.status {
        Status::Done => 0,
        Status::Skipped => 1,
        Status::Cancelled => 2,
        Status::Failed => 3,
    });
}

/// Adds how long the step has waited, where that is worth a word.
pub fn with_waiting(words: &str, outcome: &StepOutcome) -> String {
    if outcome.waited.as_secs() == 0 {
        return words.to_owned();
    }
    let waited = format!("waited {}", format::duration(outcome.waited));
    match words {
        "" => waited,
        words => format!("{words}; {waited}"),
    }
}

impl Report for ExecutedReport {
    fn outcome(&self) -> Outcome {
        self.outcome
    }

    fn json(&self, head: Head) -> String {
        head.document(self.outcome, StepsDocument::executed(&self.done), &self.done.warnings)
    }

    fn text(&self, style: &Style) -> Text {
        let Telling { is_told, table, summary } = self.telling;
        let mut text = Text::default();
        let mut told = self
            .done
            .steps
            .iter()
            .filter(|executed| is_told(&executed.outcome, style))
            .collect::<Vec<_>>();
        failures_last(&mut told);
        if !told.is_empty() {
            text.product(table(&told, style.width));
        }
        text.warnings(&self.done.warnings, style);
        text.narrate(summary(&self.done));
        for sql in self.done.outcomes().filter_map(|outcome| outcome.cleanup.as_ref()) {
            text.warn(format!("not cleaned up; the next run removes it, or run: {sql}"));
        }
        text
    }

    fn gist(&self, style: &Style) -> Text {
        let done = match &self.schema {
            Some(schema) => Cow::Owned(within_schema::executed(&self.done, schema)),
            None => Cow::Borrowed(&self.done),
        };
        let mut plain = Executed::clone(&done);
        plain.took = Duration::ZERO;
        plain.steps.iter_mut().for_each(|step| step.outcome.size_bytes = None);
        gist(&done, (self.telling.summary)(&plain), style)
    }
}
