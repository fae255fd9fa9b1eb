//! What pgtend has done, and what it would do.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::members;
use crate::facts::history::PastRun;
use crate::jobs::history::report;
use crate::jobs::plan_and_apply::undeclared::Undeclared;
use crate::output::steps::StepsDocument;
use crate::serve::list::{Row, Rows, Shape, Show, field};
use crate::serve::query::Order;
use crate::work::plan::Plan;

pub static RUNS: Shape = Shape {
    name: "runs",
    title: "Runs",
    fields: &[
        field("started_at", "when (UTC)", Show::Text),
        field("command", "command", Show::Text),
        field("action", "action", Show::Text),
        field("object", "object", Show::Text),
        field("outcome", "outcome", Show::Word),
        field("duration_ms", "time", Show::Millis),
        field("size_bytes", "size", Show::Bytes),
        field("reason", "why", Show::Text),
        field("run_started_at", "of the run of (UTC)", Show::Text),
        field("id", "", Show::Whole),
    ],
    sort_by: "id",
    order: Order::Falling,
};

pub static PLAN: Shape = Shape {
    name: "plan",
    title: "Plan",
    fields: &[
        field("object", "object", Show::Text),
        field("action", "action", Show::Text),
        field("on", "on", Show::Text),
        field("verdict", "verdict", Show::Word),
        field("reason", "why", Show::Text),
        field("lock", "lock", Show::Text),
        field("size_bytes", "size", Show::Bytes),
        field("source", "declared at", Show::Text),
        field("reason_code", "", Show::Text),
        field("place", "", Show::Whole),
    ],
    sort_by: "place",
    order: Order::Rising,
};

pub static ADVICE: Shape = Shape {
    name: "advice",
    title: "Advice",
    fields: &[
        field("object", "index", Show::Text),
        field("action", "action", Show::Text),
        field("on", "on", Show::Text),
        field("size_bytes", "size", Show::Bytes),
        field("saves_percent", "saves %", Show::Number),
        field("rows_written", "rows written", Show::Whole),
        field("scans", "scans", Show::Whole),
        field("sql", "statement", Show::Code),
        field("reason", "why", Show::Text),
        field("place", "", Show::Whole),
    ],
    sort_by: "place",
    order: Order::Rising,
};

/// A larger file is no advice.
const LARGEST_ADVICE: u64 = 16 << 20;

/// What `pgtend advise` has written of this database: indexes to build, then those that nothing needs.
///
/// # Errors
/// Why there is none.
pub fn advice(file: &Path, database: &str) -> Result<Rows, String> {
    let wrong = |why: String| format!("{}: {why}", file.display());
    let size = fs::metadata(file).map_err(|error| wrong(error.to_string()))?.len();
    if size > LARGEST_ADVICE {
        return Err(wrong("it is too large".to_owned()));
    }
    let text = fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let document =
        serde_json::from_str::<Value>(&text).map_err(|error| wrong(error.to_string()))?;
    if document.get("command").and_then(Value::as_str) != Some("advise") {
        return Err(wrong("pgtend advise --format json writes one, and this is none".to_owned()));
    }
    let of = document.get("database").and_then(Value::as_str);
    if let Some(of) = of.filter(|of| *of != database) {
        return Err(wrong(format!("it is about the database {of}")));
    }
    let list = |key: &str| document.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let unneeded = list("unneeded").into_iter().map(|mut index| {
        index["action"] = "drop_index".into();
        index
    });
    let rows = list("advice").into_iter().chain(unneeded).enumerate().map(|(at, advised)| {
        let mut values = members(advised);
        // Which statements it serves, their own page tells.
        values.remove("serves");
        values.insert("place".to_owned(), at.into());
        Row { id: format!("{at:06}"), values: values.into() }
    });
    Ok(Arc::new(rows.collect()))
}

/// What was done, step by step, the newest first; each with the beginning of the run that it was a step of.
pub fn runs(steps: &[PastRun]) -> Rows {
    let runs = report::runs(steps);
    let rows = runs.iter().flat_map(|run| {
        let began = run.last().map(|first| first.started_at.as_str());
        run.iter().map(move |step| {
            let mut values = members(report::document(step));
            values.insert("run_started_at".to_owned(), began.into());
            Row { id: format!("{:020}", step.id), values: values.into() }
        })
    });
    Arc::new(rows.collect())
}

/// What `apply` would do, what has to be done first; at last what no file declares.
pub fn steps(plan: &Plan, undeclared: &[Undeclared]) -> Rows {
    let document = serde_json::to_value(StepsDocument::planned(plan)).unwrap_or_default();
    let steps = document.get("steps").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_due = |step: &Value| step.get("verdict").and_then(Value::as_str) == Some("to_do");
    let (due, others) = steps.into_iter().partition::<Vec<_>, _>(is_due);
    let undeclared = undeclared.iter().map(not_declared);
    let all = due.into_iter().chain(others).chain(undeclared);
    let rows = all.enumerate().map(|(at, step)| {
        let mut values = members(step);
        values.insert("place".to_owned(), at.into());
        Row { id: format!("{at:06}"), values: values.into() }
    });
    Arc::new(rows.collect())
}

/// With the keys of a step where they are the same.
fn not_declared(undeclared: &Undeclared) -> Value {
    let mut row = serde_json::to_value(undeclared).unwrap_or_default();
    row["verdict"] = "undeclared".into();
    row["reason"] = undeclared.facts().into();
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::history::Run;

    fn step(id: i64, ago: f64) -> PastRun {
        PastRun {
            id,
            started_at: format!("{ago} s ago"),
            shown_at: String::new(),
            pgtend_version: String::new(),
            run: Run {
                command: "apply".to_owned(),
                started_ago_seconds: ago,
                duration_ms: 500.0,
                ..Run::default()
            },
        }
    }

    #[test]
    fn each_step_says_when_its_run_began() {
        let rows = runs(&[step(3, 9.0), step(2, 10.0), step(1, 3600.0)]);
        let began = rows.iter().map(|row| row.values.get("run_started_at").and_then(Value::as_str));
        assert_eq!(
            began.collect::<Vec<_>>(),
            [Some("10 s ago"), Some("10 s ago"), Some("3600 s ago")]
        );
    }
}
