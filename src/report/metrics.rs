//! Figures for Prometheus in a text file (node_exporter's textfile collector), replaced in one
//! moment so that no half of it is ever read.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::event::{Outcome, Status};
use crate::failure::{Failure, Kind, Result};
use crate::plan::Plan;

/// One figure of every view: name and what it tells.
const FIGURES: [(&str, &str); 7] = [
    (LAST_SUCCESS, "When the view was last refreshed, in seconds since 1970."),
    ("pgtend_refresh_age_seconds", "How old its contents were at the last run."),
    ("pgtend_refresh_last_run_timestamp_seconds", "When this was last looked at."),
    ("pgtend_refresh_last_duration_seconds", "How long the last refresh took."),
    ("pgtend_refresh_last_rows_changed", "Rows that the last refresh changed."),
    ("pgtend_refresh_size_bytes", "Bytes on disk, with toast and indexes."),
    (
        "pgtend_refresh_last_outcome",
        "1 for the outcome of the last run: done, fresh, skipped, failed or cancelled.",
    ),
];
const LAST_SUCCESS: &str = "pgtend_refresh_last_success_timestamp_seconds";

/// Writes what the run came to. What an earlier run has told of a view stays where this one does
/// not know it: when it last succeeded, and of views that it did not look at.
///
/// # Errors
/// `Config`, naming the file, where it cannot be written.
pub fn write(file: &Path, database: &str, plan: &Plan, outcomes: &[Outcome]) -> Result<()> {
    let mut lines = kept(file);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |now| now.as_secs_f64());
    for (step, outcome) in plan.steps.iter().zip(outcomes) {
        let labels = format!(
            "database=\"{}\",view=\"{}\"",
            escaped(database),
            escaped(&step.object.to_string())
        );
        let done = outcome.status == Status::Done;
        let known = lines.get(&format!("{LAST_SUCCESS}{{{labels}}}"));
        let known = known.and_then(|value| value.parse::<f64>().ok());
        let success = if done { Some(now.round()) } else { known };
        let mut set = |name: &str, value: Option<f64>| {
            if let Some(value) = value {
                lines.insert(format!("{name}{{{labels}}}"), value.to_string());
            }
        };
        set(LAST_SUCCESS, success);
        set("pgtend_refresh_last_run_timestamp_seconds", Some(now.round()));
        set("pgtend_refresh_age_seconds", success.map(|success| (now - success).round().max(0.0)));
        let seconds = done.then_some(outcome.duration.as_secs_f64());
        set("pgtend_refresh_last_duration_seconds", seconds);
        let writes = outcome.refreshed.and_then(|refreshed| refreshed.writes);
        let rows = writes.map(|writes| writes.inserted + writes.updated + writes.deleted);
        set("pgtend_refresh_last_rows_changed", rows.map(|rows| rows as f64));
        set("pgtend_refresh_size_bytes", outcome.size_bytes.map(|bytes| bytes as f64));
        for name in ["done", "fresh", "skipped", "failed", "cancelled"] {
            let value = f64::from(u8::from(name == outcome_name(outcome)));
            let series = format!("pgtend_refresh_last_outcome{{{labels},outcome=\"{name}\"}}");
            lines.insert(series, value.to_string());
        }
    }
    replace(file, &text(&lines)).map_err(|error| {
        Failure::new(Kind::Config, format!("cannot write {}: {error}", file.display()))
            .hint("--metrics-file names a file in a folder that this user may write to")
    })
}

fn outcome_name(outcome: &Outcome) -> &'static str {
    if outcome.is_fresh { "fresh" } else { outcome.status.name() }
}

/// The series of an earlier run, by name and labels.
fn kept(file: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let series = text.lines().filter(|line| line.starts_with("pgtend_refresh_"));
    let series = series.filter_map(|line| line.rsplit_once(' '));
    series.map(|(series, value)| (series.to_owned(), value.to_owned())).collect()
}

fn text(lines: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for (name, help) in FIGURES {
        text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n"));
        let of_name = lines.iter().filter(|(series, _)| {
            series.strip_prefix(name).is_some_and(|rest| rest.starts_with('{'))
        });
        of_name.for_each(|(series, value)| text.push_str(&format!("{series} {value}\n")));
    }
    text
}

/// Label values as the exposition format wants them.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut fresh = tempfile::Builder::new()
        .prefix(".pgtend-metrics")
        .tempfile_in(folder.unwrap_or(Path::new(".")))?;
    fresh.write_all(text.as_bytes())?;
    fresh.as_file().sync_all()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Another user's collector reads it.
        fresh.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    fresh.persist(file).map_err(|error| error.error)?;
    Ok(())
}
