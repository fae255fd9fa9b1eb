//! What commands show that change objects: apply, refresh, vacuum, analyze.

use super::steps::{StepsDocument, gist};
use super::{Head, Outcome, Report, Style, Text};
use crate::format;
use crate::work::event::{Executed, ExecutedStep, Outcome as StepOutcome};

/// What was done, object by object.
pub struct ExecutedReport {
    /// The steps, and how they ended.
    pub done: Executed,
    /// What it came to.
    pub outcome: Outcome,
    /// In which words.
    pub telling: Telling,
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

/// Adds how long the step has waited, where that is worth a word.
pub fn with_waiting(words: &str, outcome: &StepOutcome) -> String {
    if outcome.waited.as_secs() == 0 {
        return words.to_owned();
    }
    format!("{words}; waited {} for others", format::duration(outcome.waited))
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
        let told = self
            .done
            .steps
            .iter()
            .filter(|executed| is_told(&executed.outcome, style))
            .collect::<Vec<_>>();
        if !told.is_empty() {
            text.product(table(&told, style.width));
        }
        text.warnings(&self.done.warnings);
        text.narrate(summary(&self.done));
        for sql in self.done.outcomes().filter_map(|outcome| outcome.cleanup.as_ref()) {
            text.warn(format!("left behind; the next apply removes it, or you with: {sql}"));
        }
        text
    }

    fn gist(&self, style: &Style) -> Text {
        gist(&self.done, (self.telling.summary)(&self.done), style)
    }
}
