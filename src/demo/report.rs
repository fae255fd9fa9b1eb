//! What `demo` shows: each query before and after.

use pg_sandbox::Kept;
use serde::Serialize;

use crate::format;
use crate::output::steps::StepsDocument;
use crate::output::table::{Narrow, cell, fitted, right, table};
use crate::output::{Head, Outcome, Report, Style, Text};
use crate::work::event::{Executed, Status};

/// What was done, and what it has brought.
#[derive(Debug)]
pub struct DemoReport {
    /// The steps, and how they ended.
    pub done: Executed,
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
