//! What `demo` shows: each query before and after.

use pg_sandbox::Kept;
use serde::Serialize;
use serde_json::Value;

use super::advice::AdvisedIndex;
use crate::app::Context;
use crate::failure::Result;

use crate::format;
use crate::output::steps::StepsDocument;
use crate::output::table::{Narrow, cell, fitted, right, table};
use crate::output::{Format, Head, Outcome, Report, Style, Text};
use crate::work::event::{Executed, Status};

/// What was done, and what it has brought.
#[derive(Debug)]
pub struct DemoReport {
    /// The steps, and how they ended.
    pub done: Executed,
    /// What the workload lacks.
    pub advised: Vec<AdvisedIndex>,
    /// The workload.
    pub queries: Vec<QueryDocument>,
    /// The server, where it goes on running.
    pub kept: Option<Kept>,
}

impl Report for DemoReport {
    fn outcome(&self) -> Outcome {
        if self.done.count(Status::Failed) > 0 {
            Outcome::Failed
        } else {
            Outcome::Done
        }
    }

    fn json(&self, head: Head) -> String {
        let steps = StepsDocument::executed(&self.done);
        let kept = self.kept.as_ref();
        let body = DemoDocument {
            steps,
            advice: self.advised.iter().map(|index| &index.advice).collect(),
            proofs: self.advised.iter().filter_map(|index| index.proof.as_ref()).collect(),
            queries: &self.queries,
            url: kept.map(|kept| kept.url.as_str()),
            stop_command: kept.map(|kept| kept.stop_command.as_str()),
        };
        head.document(self.outcome(), body, &self.done.warnings)
    }

    fn text(&self, style: &Style) -> Text {
        let mut text = Text::default();
        text.narrate("");
        text.product(queries_table(&self.queries, style.width));
        if let Some(Kept { url, stop_command, .. }) = &self.kept {
            text.narrate("");
            text.narrate(format!("The server keeps running. Connect with\npsql '{url}'"));
            text.narrate(format!("Stop and remove it with\n{stop_command}"));
        }
        text
    }
}

#[derive(Debug, Serialize)]
struct DemoDocument<'a> {
    #[serde(flatten)]
    steps: StepsDocument,
    advice: Vec<&'a Value>,
    proofs: Vec<&'a Value>,
    queries: &'a [QueryDocument],
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_command: Option<&'a str>,
}

/// A query of the demo, before and after.
#[derive(Debug, Clone, Serialize)]
pub struct QueryDocument {
    /// The query's name: its file without `.sql`.
    pub query: String,
    /// Median before, in milliseconds.
    pub before_ms: f64,
    /// Median after, in milliseconds.
    pub after_ms: f64,
    /// Before divided by after.
    pub times_faster: f64,
}

/// Shows what is advised before it is built; a document has it in the end.
///
/// # Errors
/// Those of the console.
pub(super) fn show_advice(context: &Context, advised: &[AdvisedIndex]) -> Result<()> {
    let console = &context.console;
    if console.options().format != Format::Table || advised.is_empty() {
        return Ok(());
    }
    context.show(&AdviceReport(advised))?;
    let declared = advised.iter().filter(|index| index.declared.is_some()).count();
    console.narrate(&format!(
        "{declared} of these {} are among the indexes that the application's developers declared, which \
         pgtend builds now.",
        advised.len()
    ));
    Ok(())
}

/// The indexes that are advised.
#[derive(Debug)]
struct AdviceReport<'a>(&'a [AdvisedIndex]);

impl Report for AdviceReport<'_> {
    fn outcome(&self) -> Outcome {
        Outcome::Done
    }

    fn json(&self, head: Head) -> String {
        let advice = self.0.iter().map(|index| &index.advice).collect::<Vec<_>>();
        head.document(self.outcome(), serde_json::json!({ "advice": advice }), &[])
    }

    fn text(&self, style: &Style) -> Text {
        let mut text = Text::default();
        let mut table = table(&["advised", "size", "saves", "measured", "declared as"]);
        for AdvisedIndex { advice, proof, declared } in self.0 {
            let sql = advice["sql"].as_str().unwrap_or_default();
            table.add_row(vec![
                cell(sql.split_once(" ON ").map_or(sql, |(_, index)| index).trim_end_matches(';')),
                right(format::size(advice["size_bytes"].as_u64().unwrap_or_default())),
                right(format!("{:.0} %", advice["saves_percent"].as_f64().unwrap_or_default())),
                cell(proof.as_ref().map(measured).unwrap_or_default()),
                cell(declared.as_deref().unwrap_or("-")),
            ]);
        }
        let narrow = Narrow { wraps: "advised", drops: &["size"], alike: &[] };
        text.product(fitted(&table, narrow, style.width));
        text
    }
}

/// `better: 19 ms → 0.3 ms`, of the statement that gains most.
fn measured(proof: &Value) -> String {
    let verdict = proof["verdict"].as_str().unwrap_or_default().replace('_', " ");
    let statements = proof["statements"].as_array().into_iter().flatten();
    let times =
        statements.filter_map(|one| Some((one["ms_before"].as_f64()?, one["ms_after"].as_f64()?)));
    match times.max_by(|one, other| (one.0 - one.1).total_cmp(&(other.0 - other.1))) {
        Some((before, after)) => format!("{verdict}: {} → {}", millis(before), millis(after)),
        None => verdict,
    }
}

fn queries_table(queries: &[QueryDocument], width: Option<u16>) -> String {
    let mut table = table(&["query", "before", "after", "speed-up"]);
    for query in queries {
        table.add_row(vec![
            cell(&query.query),
            right(millis(query.before_ms)),
            right(millis(query.after_ms)),
            right(speed_up(query.times_faster)),
        ]);
    }
    let narrow = Narrow { wraps: "query", drops: &["speed-up"], alike: &[] };
    fitted(&table, narrow, width)
}

/// `66×`, `1.4×`, `0.8× (slower)`.
fn speed_up(times: f64) -> String {
    if times >= 10.0 {
        format!("{times:.0}×")
    } else if times < 0.95 {
        format!("{times:.1}× (slower)")
    } else {
        format!("{times:.1}×")
    }
}

fn millis(millis: f64) -> String {
    format::duration(format::seconds(millis / 1e3).unwrap_or_default())
}
