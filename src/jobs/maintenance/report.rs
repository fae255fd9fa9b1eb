//! What `vacuum` and `analyze` show.

use serde::Serialize;

use crate::facts::{HorizonHolder, Known};
use crate::format;
use crate::output::dry_run::FEW;
use crate::output::executed::{Telling, in_all, took};
use crate::output::table::{Narrow, cell, fitted, right, table};
use crate::output::{Format, Head, Outcome, OutputOptions, Report, Style, Text, Verbosity};
use crate::work::event::{Executed, ExecutedStep, Outcome as StepOutcome, Status};
use crate::work::plan::Action;

/// How many tables that are not due are told one by one; how many more there are is told in all.
pub fn told(options: OutputOptions) -> usize {
    match (options.format, options.verbosity) {
        (Format::Json, _) | (_, Verbosity::Verbose) => usize::MAX,
        _ => FEW + 1,
    }
}

/// In which words it tells what was done.
pub const MAINTENANCE: Telling = Telling { is_told, table: executed_table, summary };

fn is_told(outcome: &StepOutcome, style: &Style) -> bool {
    match outcome.status {
        Status::Done => !style.is_quiet(),
        Status::Skipped if outcome.is_fresh() => style.is_verbose(),
        Status::Skipped => !style.is_quiet(),
        Status::Failed | Status::Cancelled => true,
    }
}

/// A run outside of its window; when that opens is told already, in every format.
#[derive(Debug)]
pub struct WindowClosed;

impl Report for WindowClosed {
    fn outcome(&self) -> Outcome {
        Outcome::NothingToDo
    }

    fn json(&self, head: Head) -> String {
        #[derive(Serialize)]
        struct NoSteps {
            steps: [(); 0],
        }
        head.document(self.outcome(), NoSteps { steps: [] }, &[])
    }

    fn text(&self, _: &Style) -> Text {
        Text::default()
    }
}

/// For whom the dead rows that are left are kept, in words; empty where nobody keeps them.
pub fn horizon(holders: &Known<Vec<HorizonHolder>>) -> String {
    let holders = match holders {
        Known::Known(holders) => holders,
        Known::Unavailable(why) => return format!(": what holds them back is unknown: {why}"),
    };
    let Some(oldest) = holders.first() else {
        return String::new();
    };
    let who = oldest.who.as_deref().filter(|who| !who.is_empty());
    let who = who.map_or_else(String::new, |who| format!(" ({who})"));
    let kind = match oldest.kind.as_str() {
        "session" => "the session with pid",
        "prepared transaction" => "the prepared transaction",
        "replication slot" => "the replication slot",
        _ => "the standby",
    };
    let transactions =
        format::count(usize::try_from(oldest.age).unwrap_or(0), "transaction", "transactions");
    format!(": {kind} {}{who} holds them back, and is {transactions} old", oldest.name)
}

fn executed_table(steps: &[&ExecutedStep], width: Option<u16>) -> String {
    let mut table = table(&[
        "status",
        "action",
        "table",
        "time",
        "scanned",
        "size",
        "dead rows",
        "XID age",
        "why",
    ]);
    for ExecutedStep { step, outcome } in steps {
        let change = |before: i64, after: i64| {
            if before == after {
                format::whole(after)
            } else {
                format!("{} → {}", format::whole(before), format::whole(after))
            }
        };
        let maintained = outcome.maintained();
        let seen = maintained.and_then(|it| it.change);
        let dead = seen.map(|it| change(it.dead_rows_before, it.dead_rows_after));
        let age = seen.and_then(|it| {
            let (before, after) = (it.frozen_xid_age_before?, it.frozen_xid_age_after?);
            Some(change(before.into(), after.into()))
        });
        let pages = maintained
            .and_then(|it| it.pages_scanned)
            .map(|pages| format!("{} pages", format::whole(pages)));
        table.add_row(vec![
            cell(outcome.status.name()),
            cell(step.action.words()),
            cell(&step.object),
            right(took(outcome)),
            right(pages.unwrap_or_else(|| "-".to_owned())),
            right(outcome.size_bytes.map_or("-".to_owned(), format::bytes)),
            right(dead.unwrap_or_else(|| "-".to_owned())),
            right(age.unwrap_or_else(|| "-".to_owned())),
            cell(&outcome.reason),
        ]);
    }
    let narrow = Narrow {
        wraps: "why",
        drops: &["scanned", "XID age", "size", "dead rows"],
        alike: &["why"],
    };
    fitted(&table, narrow, width)
}

fn summary(done: &Executed) -> String {
    let (count, fresh) = (|status| done.count(status), done.count_fresh());
    let of = |action| {
        let steps = done.steps.iter().filter(|it| it.outcome.status == Status::Done);
        steps.filter(|it| it.step.action == action).count()
    };
    let what = [(of(Action::Vacuum), "vacuumed"), (of(Action::Analyze), "analyzed")];
    let others = [
        (fresh + done.not_due, "not due"),
        (count(Status::Skipped) - fresh, "left for the next time"),
        (count(Status::Cancelled), "cancelled"),
        (count(Status::Failed), "failed"),
    ];
    match done.steps.len() + done.not_due {
        0 => "Nothing to do: there are no tables.".to_owned(),
        _ => in_all(done, &what, &others),
    }
}
