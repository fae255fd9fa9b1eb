//! What `vacuum` and `analyze` show.

use std::collections::HashMap;

use crate::facts::{HorizonHolder, Known, TableMaintenance};
use crate::format;
use crate::output::dry_run::FEW;
use crate::output::executed::{Telling, in_all, took};
use crate::output::table::{Narrow, cell, fitted, right, table};
use crate::output::{Format, OutputOptions, Style, Verbosity};
use crate::work::event::{Executed, ExecutedStep, Status, StepOutcome};
use crate::work::maintenance::plan::due::{What, analyze_measure, vacuum_measures};
use crate::work::plan::{Action, Plan};

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

/// For whom the dead rows that are left are kept, in words; empty where nobody keeps them.
pub fn horizon(holders: &Known<Vec<HorizonHolder>>) -> String {
    let holders = match holders {
        Known::Known(holders) => holders,
        Known::Unavailable(why) => return format!(": what holds them back is unknown: {why}"),
    };
    let Some(oldest) = holders.first() else {
        return String::new();
    };
    let who = oldest
        .who
        .as_deref()
        .filter(|who| !who.is_empty())
        .map_or_else(String::new, |who| format!(" ({who})"));
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

/// A table that is due, or not, with its figures.
pub struct DueRow {
    is_settled: bool,
    cells: Vec<String>,
}

/// What the figures of the plan's tables are; `share` of autovacuum's threshold makes a table due.
pub fn due_rows(plan: &Plan, facts: &TableMaintenance, share: f64) -> Vec<DueRow> {
    let tables = facts.tables.iter().map(|table| (&table.name, table)).collect::<HashMap<_, _>>();
    let rows = plan.steps.iter().filter_map(|step| {
        let table = tables.get(&step.object)?;
        let is_vacuum = step.action == Action::Vacuum;
        let measure = match is_vacuum {
            true => vacuum_measures(table, &facts.settings)
                .into_iter()
                .find(|measure| measure.what == What::DeadRows),
            false => Some(analyze_measure(table, &facts.settings)),
        };
        let whole = |number: f64| format::whole(number.max(0.0).round() as i64);
        let ago = if is_vacuum {
            table.vacuumed_ago
        } else {
            table.analyzed_ago
        };
        let age = table.heap.frozen_xid_age.filter(|_| is_vacuum);
        let cells = [
            Some(step.action.words().to_owned()),
            Some(step.object.to_string()),
            measure.as_ref().map(|measure| whole(measure.value)),
            measure.as_ref().map(|measure| whole(measure.threshold * share)),
            ago.map(|ago| format!("{} ago", format::duration(ago))),
            age.map(|age| format::whole(age.into())),
            Some(step.reason.words.clone()),
        ]
        .map(|cell| cell.unwrap_or_else(|| "-".to_owned()))
        .to_vec();
        Some(DueRow { is_settled: step.verdict.is_settled(), cells })
    });
    rows.collect()
}

/// What is due; what is not only where all is wanted.
pub fn due_table(rows: &[DueRow], style: &Style) -> String {
    let shown = rows
        .iter()
        .filter(|row| style.is_verbose() || !row.is_settled)
        .collect::<Vec<_>>();
    if shown.is_empty() {
        return String::new();
    }
    let is_all = |action: Action| shown.iter().all(|row| row.cells[0] == action.words());
    let rows = match () {
        () if is_all(Action::Vacuum) => "dead rows",
        () if is_all(Action::Analyze) => "changed rows",
        () => "dead or changed",
    };
    let mut table = table(&["action", "table", rows, "due at", "last done", "XID age", "why"]);
    for row in shown {
        let figures = 2..6;
        let cells = row.cells.iter().enumerate();
        table.add_row(cells.map(|(at, text)| match figures.contains(&at) {
            true => right(text),
            false => cell(text),
        }));
    }
    let narrow = Narrow {
        wraps: "why",
        drops: &["XID age", "last done", "due at", "dead rows", "changed rows", "dead or changed"],
        alike: &["action"],
    };
    fitted(&table, narrow, style.width)
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
        let pages = maintained.and_then(|it| it.pages_scanned).map(in_pages);
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
        alike: &["action", "why"],
    };
    fitted(&table, narrow, width)
}

fn in_pages(pages: i64) -> String {
    format::count(usize::try_from(pages).unwrap_or_default(), "page", "pages")
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
