//! Figures for Prometheus in a text file (node_exporter's textfile collector), replaced in one
//! moment so that no half of it is ever read.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::failure::{Failure, Kind, Result};
use crate::files;
use crate::warning::Warning;
use crate::work::event::{ExecutedStep, Status, StepOutcome};

/// The series of one job.
pub struct JobSeries {
    /// The job, as in `pgtend_refresh_…`.
    pub job: &'static str,
    /// The label that holds the object's name.
    pub label: &'static str,
}

/// The figures of every object, each with what it tells; before them stands `pgtend_<job>_`.
const FIGURES: [(&str, &str); 7] = [
    (LAST_SUCCESS, "When it was last done, in seconds since 1970."),
    ("age_seconds", "How long ago that was at the last run."),
    ("last_run_timestamp_seconds", "When it was last looked at."),
    ("last_duration_seconds", "How long it took when it was last done."),
    ("last_rows_changed", "Rows that were changed when it was last done."),
    ("size_bytes", "Bytes on disk."),
    (
        "last_outcome",
        "1 for the outcome of the last run: done, fresh, skipped, failed or cancelled.",
    ),
];
const LAST_SUCCESS: &str = "last_success_timestamp_seconds";

/// Refuses a file that could not be written, before any work is done.
///
/// # Errors
/// `Config`, naming the file.
pub fn check(file: &Path) -> Result<()> {
    files::check(file).map_err(|error| {
        Failure::new(
            Kind::Config,
            format!("cannot write to the folder of {}: {error}", file.display()),
        )
        .hint("--metrics-file names a file in a folder that this user may write to")
    })
}

impl JobSeries {
    /// Writes what the run came to. What an earlier run has told of an object stays where this one
    /// does not know it: when it last succeeded, and of objects that it did not look at; and the
    /// series of other jobs.
    ///
    /// Returns the warning where it cannot be written.
    pub fn write<'p>(
        &self,
        file: &Path,
        database: &str,
        steps: impl Iterator<Item = &'p ExecutedStep>,
        known: &HashMap<String, f64>,
    ) -> Option<Warning> {
        let mut lines = kept(file);
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0.0, |now| now.as_secs_f64());
        for ExecutedStep { step, outcome } in steps {
            let object = step.object.to_string();
            let labels = format!(
                "database=\"{}\",{}=\"{}\"",
                escaped(database),
                self.label,
                escaped(&object)
            );
            self.note(&mut lines, &labels, outcome, now, known.get(&object).copied());
        }
        let error = files::replace(file, &text(&lines)).err()?;
        Some(Warning {
            rule: "metrics_not_written",
            object: file.display().to_string(),
            message: error.to_string(),
        })
    }

    /// `known`: when the object was last done, by the history.
    fn note(
        &self,
        lines: &mut Lines,
        labels: &str,
        outcome: &StepOutcome,
        now: f64,
        known: Option<f64>,
    ) {
        let name = |figure: &str| format!("pgtend_{}_{figure}", self.job);
        let done = outcome.status == Status::Done;
        let before = lines
            .get(&format!("{}{{{labels}}}", name(LAST_SUCCESS)))
            .and_then(|value| value.parse::<f64>().ok());
        let known = before.into_iter().chain(known.map(f64::round)).reduce(f64::max);
        let success = if done { Some(now.round()) } else { known };
        let writes = outcome.refreshed().and_then(|refreshed| refreshed.writes);
        let rows = writes.map(|writes| writes.inserted + writes.updated + writes.deleted);
        let figures = [
            (LAST_SUCCESS, success),
            ("age_seconds", success.map(|success| (now - success).round().max(0.0))),
            ("last_run_timestamp_seconds", Some(now.round())),
            ("last_duration_seconds", done.then_some(outcome.duration.as_secs_f64())),
            ("last_rows_changed", rows.map(|rows| rows as f64)),
            ("size_bytes", outcome.size_bytes.map(|bytes| bytes as f64)),
        ];
        for (figure, value) in figures {
            if let Some(value) = value {
                lines.insert(format!("{}{{{labels}}}", name(figure)), value.to_string());
            }
        }
        for word in ["done", "fresh", "skipped", "failed", "cancelled"] {
            let value = f64::from(u8::from(word == outcome_name(outcome)));
            let series = format!("{}{{{labels},outcome=\"{word}\"}}", name("last_outcome"));
            lines.insert(series, value.to_string());
        }
    }
}

/// Values by name and labels.
type Lines = BTreeMap<String, String>;

fn outcome_name(outcome: &StepOutcome) -> &'static str {
    if outcome.is_fresh() {
        "fresh"
    } else {
        outcome.status.name()
    }
}

/// The series of an earlier run.
fn kept(file: &Path) -> Lines {
    let text = fs::read_to_string(file).unwrap_or_default();
    let series = text
        .lines()
        .filter(|line| line.starts_with("pgtend_"))
        .filter_map(|line| line.rsplit_once(' '));
    // One line that a collector does not understand, and it takes none of the file.
    let series =
        series.filter(|(series, value)| series.ends_with('}') && value.parse::<f64>().is_ok());
    series.map(|(series, value)| (series.to_owned(), value.to_owned())).collect()
}

/// All series of one name have to stand together, behind what they tell.
fn text(lines: &Lines) -> String {
    let mut text = String::new();
    let mut last = "";
    for (series, value) in lines {
        let name = series.split('{').next().unwrap_or_default();
        if name != last {
            let help = FIGURES
                .iter()
                .find(|(figure, _)| name.ends_with(&format!("_{figure}")))
                .map_or("", |(_, help)| help);
            text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n"));
            last = name;
        }
        text.push_str(&format!("{series} {value}\n"));
    }
    text
}

/// Label values as the exposition format wants them.
pub fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
