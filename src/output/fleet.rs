//! What one command came to on several targets.

use serde::Serialize;
use serde_json::value::RawValue;

use super::envelope::{Nothing, SCHEMA_VERSION};
use super::report::{Piece, Report, Style, Text};
use super::{Head, Outcome};
use crate::cancel::Signal;
use crate::escape_control::{escape_control, json_line};
use crate::failure::{Failure, Result, exit_code};
use crate::format;

/// What the command came to on each target.
pub struct FleetReport {
    /// In the order of the targets.
    pub targets: Vec<TargetReport>,
    /// What has stopped it.
    pub signal: Option<Signal>,
}

/// What the command came to on one target.
pub struct TargetReport {
    /// The target.
    pub name: String,
    /// What its document begins with.
    pub head: Head,
    /// What it came to.
    pub end: TargetEnded,
}

/// How a command ended on one of several targets.
pub enum TargetEnded {
    /// It did its job.
    Done(Box<dyn Report>),
    /// It could not.
    Failed(Failure),
    /// It was not begun, because the run was over.
    Skipped,
}

impl From<Result<Box<dyn Report>>> for TargetEnded {
    fn from(result: Result<Box<dyn Report>>) -> Self {
        result.map_or_else(TargetEnded::Failed, TargetEnded::Done)
    }
}

/// From the worst on.
const FROM_WORST: [u8; 5] = [
    exit_code::FAILED,
    exit_code::COULD_NOT_START,
    exit_code::USAGE,
    exit_code::BUSY,
    exit_code::FINDINGS,
];

impl TargetEnded {
    fn exit_code(&self) -> u8 {
        match self {
            TargetEnded::Done(report) => report.exit_code(),
            TargetEnded::Failed(failure) => failure.kind.exit_code(),
            TargetEnded::Skipped => exit_code::DONE,
        }
    }

    /// Whether it counts for `--stop-after`.
    pub fn is_failed(&self) -> bool {
        let failed = [exit_code::FAILED, exit_code::COULD_NOT_START, exit_code::USAGE];
        failed.contains(&self.exit_code())
    }

    /// In a few words.
    pub fn summary(&self) -> String {
        match self {
            TargetEnded::Done(report) => report.outcome().name().replace('_', " "),
            TargetEnded::Failed(_) => "failed".to_owned(),
            TargetEnded::Skipped => "skipped".to_owned(),
        }
    }

    fn gist(&self, style: &Style) -> Text {
        match self {
            TargetEnded::Done(report) => report.gist(style),
            TargetEnded::Failed(_) | TargetEnded::Skipped => self.text(style),
        }
    }

    fn text(&self, style: &Style) -> Text {
        match self {
            TargetEnded::Done(report) => report.text(style),
            TargetEnded::Failed(failure) => {
                let hint = failure.hint.as_ref().map(|hint| format!("\n{hint}"));
                let mut text = Text::default();
                text.warn(format!("failed: {failure}{}", hint.unwrap_or_default()));
                text
            }
            TargetEnded::Skipped => {
                let mut text = Text::default();
                text.warn("skipped: the run was over before");
                text
            }
        }
    }
}

impl FleetReport {
    fn has(&self, outcome: Outcome) -> bool {
        self.targets.iter().any(|target| match &target.end {
            TargetEnded::Done(report) => report.outcome() == outcome,
            TargetEnded::Failed(_) | TargetEnded::Skipped => false,
        })
    }
}

impl Report for FleetReport {
    fn outcome(&self) -> Outcome {
        match (self.signal, self.exit_code()) {
            (Some(signal), _) => Outcome::Cancelled(signal),
            (None, exit_code::FINDINGS) => Outcome::Findings,
            (None, exit_code::BUSY) => Outcome::Busy,
            (None, exit_code::DONE) if self.has(Outcome::Done) => Outcome::Done,
            (None, exit_code::DONE) if self.has(Outcome::Planned) => Outcome::Planned,
            (None, exit_code::DONE) => Outcome::NothingToDo,
            _ => Outcome::Failed,
        }
    }

    fn exit_code(&self) -> u8 {
        let codes = self.targets.iter().map(|target| target.end.exit_code()).collect::<Vec<_>>();
        let worst = FROM_WORST.into_iter().find(|code| codes.contains(code));
        let by_signal = self.signal.map(Signal::exit_code);
        by_signal.or(worst).unwrap_or(exit_code::DONE)
    }

    fn json(&self, head: Head) -> String {
        let documents = self.targets.iter().map(TargetReport::json).collect::<Vec<_>>();
        let raw = documents.iter().filter_map(|text| serde_json::from_str::<&RawValue>(text).ok());
        json_line(&FleetDocument {
            schema_version: SCHEMA_VERSION,
            command: head.command(),
            outcome: self.outcome(),
            duration_ms: format::millis(head.duration()),
            targets: raw.collect(),
        })
    }

    /// Targets with the same result share it.
    fn text(&self, style: &Style) -> Text {
        let mut groups = Vec::<(Text, Vec<&TargetReport>)>::new();
        for target in &self.targets {
            let gist = target.end.gist(style);
            match groups.iter_mut().find(|(other, _)| *other == gist) {
                Some((_, targets)) => targets.push(target),
                None => groups.push((gist, vec![target])),
            }
        }
        let mut all = Text::default();
        for (gist, targets) in groups {
            match targets.as_slice() {
                [alone] => add_group(&mut all, alone.end.text(style), &targets, style),
                _ => add_group(&mut all, gist, &targets, style),
            }
        }
        all
    }
}

/// So many names are told, unless all are asked for.
const FEW: usize = 10;

fn add_group(all: &mut Text, text: Text, targets: &[&TargetReport], style: &Style) {
    let names = targets.iter().map(|target| target.name.as_str()).collect::<Vec<_>>();
    let shown = if style.is_verbose() {
        names.len()
    } else {
        names.len().min(FEW)
    };
    let targets = match targets.iter().all(|target| target.head.is_of_schema()) {
        true => format::count(names.len(), "schema", "schemas"),
        false => format::count(names.len(), "target", "targets"),
    };
    let more = match names.len() - shown {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let names = escape_control(&names[..shown].join(", ")).into_owned() + &more;
    let head = format!("== {targets}: {names}");
    if text.pieces.iter().any(|piece| matches!(piece, Piece::Product(_))) {
        all.product(format!("{head}\n"));
    } else if text.pieces.iter().any(|piece| matches!(piece, Piece::Narration(_))) {
        all.narrate(head);
    }
    for piece in text.pieces {
        all.pieces.push(match piece {
            Piece::Warning(text) => Piece::Warning(format!("{names}: {text}")),
            other => other,
        });
    }
}

impl TargetReport {
    fn json(&self) -> String {
        let head = self.head.clone();
        match &self.end {
            TargetEnded::Done(report) => report.json(head),
            TargetEnded::Failed(failure) => head.failed(failure),
            TargetEnded::Skipped => head.document(Outcome::Skipped, Nothing {}, &[]),
        }
    }
}

#[derive(Debug, Serialize)]
struct FleetDocument<'a> {
    schema_version: u32,
    command: &'static str,
    outcome: Outcome,
    duration_ms: u64,
    targets: Vec<&'a RawValue>,
}
