//! What `advise` shows.

use serde::Serialize;

use super::unneeded::Unneeded;
use super::writes::WriteCost;
use crate::format;
use crate::output::table::{Narrow, cell, fitted, right, table};
use crate::output::{Format, Head, Outcome, Report, Style, Text};
use crate::pg::name::quote_ident;
use crate::twin::data::TwinOrigin;
use crate::twin::workload::WorkloadStatement;
use crate::twin::{Candidate, PlanVerdict};
use crate::warning::Warning;
use crate::work::plan::one_line;

/// So much of a text stands in a comment, on one line: a line break would end the comment.
const TEXT_WIDTH: usize = 201;

/// An index to create.
#[derive(Debug, Clone, PartialEq)]
pub struct Advice {
    pub name: String,
    pub candidate: Candidate,
    pub serves: Vec<ServedStatement>,
    pub writes: WriteCost,
}

/// A statement that would use it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServedStatement {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queryid: Option<i64>,
    pub query: String,
    pub cost_before: f64,
    pub cost_after: f64,
    #[serde(skip)]
    pub weight: f64,
}

/// A statement of the workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    pub statement: WorkloadStatement,
    pub weight: f64,
    pub before: Option<f64>,
    pub after: Option<f64>,
    /// Which candidates its plan uses.
    pub uses: Vec<usize>,
    /// Why it was not judged.
    pub refused: Option<String>,
}

impl Advice {
    /// As `apply` reads it.
    pub fn declaration(&self) -> String {
        let unique = if self.candidate.is_unique { "UNIQUE " } else { "" };
        format!("CREATE {unique}INDEX CONCURRENTLY IF NOT EXISTS {};", self.index())
    }

    /// What people look at of it.
    fn index(&self) -> String {
        let definition = &self.candidate.definition;
        let method = if definition.starts_with('(') { "" } else { "USING " };
        let schema = self.candidate.table.schema.as_deref().unwrap_or("public");
        format!(
            "{} ON {}.{} {method}{definition}",
            quote_ident(&self.name),
            quote_ident(schema),
            quote_ident(&self.candidate.table.name)
        )
    }

    /// Of the workload's time, or of its statements where no times are known.
    fn saves(&self) -> f64 {
        self.serves
            .iter()
            .map(|served| served.weight * (1.0 - served.cost_after / served.cost_before.max(1e-9)))
            .sum()
    }
}

/// What the workload lacks, and what it does not need.
#[derive(Debug)]
pub struct AdviseReport {
    pub advice: Vec<Advice>,
    pub unneeded: Vec<Unneeded>,
    pub statements: Vec<Shown>,
    pub outcome: Outcome,
    /// It was interrupted.
    pub is_partial: bool,
    /// The weights are times.
    pub is_timed: bool,
    /// Plans that were asked for.
    pub plans: usize,
    /// Candidates that were tried.
    pub tried: usize,
    pub origin: TwinOrigin,
    pub warnings: Vec<Warning>,
}

impl Report for AdviseReport {
    fn outcome(&self) -> Outcome {
        self.outcome
    }

    fn json(&self, head: Head) -> String {
        head.document(self.outcome(), self.document(), &self.warnings)
    }

    fn text(&self, style: &Style) -> Text {
        if style.format == Format::Markdown {
            return Text::of(self.markdown());
        }
        let mut text = Text::default();
        if !self.advice.is_empty() {
            text.product(self.advice_table(style));
        }
        if !self.unneeded.is_empty() {
            text.product(format!("\n{}", self.unneeded_table(style)));
        }
        text.warnings(&self.warnings, style);
        for shown in self.statements.iter().filter(|shown| shown.refused.is_some()) {
            let why = shown.refused.as_deref().unwrap_or_default();
            text.warn(format!("{}: not judged: {why}", shown.statement.name));
        }
        text.narrate(self.summary());
        text
    }
}

impl AdviseReport {
    fn whole(&self) -> f64 {
        self.statements
            .iter()
            .map(|shown| shown.weight)
            .sum::<f64>()
            .max(f64::MIN_POSITIVE)
    }

    fn share(&self, advice: &Advice) -> f64 {
        (advice.saves() / self.whole() * 100.0).clamp(0.0, 100.0)
    }

    fn advice_table(&self, style: &Style) -> String {
        let mut shown = table(&["index to create", "size", "statements", "saves", "writes"]);
        for advice in &self.advice {
            shown.add_row(vec![
                cell(advice.index()),
                right(format::size(advice.candidate.bytes)),
                right(advice.serves.len()),
                right(format!("{:.0} %", self.share(advice))),
                cell(write_words(advice.writes)),
            ]);
        }
        fitted(
            &shown,
            Narrow { wraps: "index to create", drops: &["statements"], alike: &[] },
            style.width,
        )
    }

    fn unneeded_table(&self, style: &Style) -> String {
        let mut shown =
            table(&["not needed by the workload", "on", "size", "scans", "why not safe"]);
        for index in &self.unneeded {
            shown.add_row(vec![
                cell(format!("{}.{}", index.schema, index.name)),
                cell(&index.table),
                right(format::size(index.bytes)),
                right(index.scans.map(format::whole).unwrap_or_default()),
                cell(doubt(index)),
            ]);
        }
        let narrow = Narrow { wraps: "why not safe", drops: &["on"], alike: &[] };
        fitted(&shown, narrow, style.width)
    }

    fn summary(&self) -> String {
        let judged = self.statements.iter().filter(|shown| shown.refused.is_none()).count();
        let basis = format!(
            "{} and {} planned {} times on the twin: estimates of PostgreSQL's planner",
            format::count(judged, "statement", "statements"),
            format::count(self.tried, "candidate", "candidates"),
            format::number(self.plans),
        );
        let saved = self.advice.iter().map(|advice| self.share(advice)).sum::<f64>().min(100.0);
        let of = if self.is_timed { "time" } else { "cost" };
        let found = match self.advice.len() {
            0 => "No index would help enough".to_owned(),
            count => format!(
                "{} would save about {saved:.0} % of the workload's {of}",
                format::count(count, "index", "indexes")
            ),
        };
        let partial = if self.is_partial {
            "Interrupted; the best so far. "
        } else {
            ""
        };
        format!("{partial}{found} ({basis}).")
    }

    /// A file for `plan` and `apply`.
    pub fn declarations(&self) -> String {
        let mut file = format!(
            "-- Advised by pgtend for {} as of {}. Costs are estimates of PostgreSQL's planner.\n",
            one_line(&self.origin.database, TEXT_WIDTH),
            self.origin.taken_at
        );
        for advice in &self.advice {
            file.push_str(&format!(
                "\n-- About {}; saves {:.0} % of the workload; {}.\n",
                format::size(advice.candidate.bytes),
                self.share(advice),
                write_words(advice.writes)
            ));
            for served in &advice.serves {
                file.push_str(&format!(
                    "-- cost {:.0} -> {:.0}: {}\n",
                    served.cost_before,
                    served.cost_after,
                    one_line(&served.query, TEXT_WIDTH)
                ));
            }
            file.push_str(&advice.declaration());
            file.push('\n');
        }
        for index in &self.unneeded {
            file.push_str(&format!(
                "\n-- No statement of the workload needs {} ({}); {}.\n-- {}\n",
                one_line(&format!("{}.{}", index.schema, index.name), TEXT_WIDTH),
                format::size(index.bytes),
                doubt(index),
                one_line(&drop_statement(index), TEXT_WIDTH)
            ));
        }
        file
    }

    fn markdown(&self) -> String {
        let mut text = format!("{}\n\n", self.summary());
        for advice in &self.advice {
            text.push_str(&format!(
                "- `{}`\n  {}, saves {:.0} %, serves {}; {}\n",
                one_line(&advice.declaration(), TEXT_WIDTH).replace('`', "'"),
                format::size(advice.candidate.bytes),
                self.share(advice),
                format::count(advice.serves.len(), "statement", "statements"),
                write_words(advice.writes)
            ));
        }
        for index in &self.unneeded {
            text.push_str(&format!(
                "- not needed: `{}` ({}); {}\n",
                one_line(&format!("{}.{}", index.schema, index.name), TEXT_WIDTH).replace('`', "'"),
                format::size(index.bytes),
                doubt(index)
            ));
        }
        text
    }

    fn document(&self) -> AdviseDocument {
        let advice = self.advice.iter().map(|advice| AdviceDocument {
            action: "create_index",
            object: advice.name.clone(),
            on: advice.candidate.table.to_string(),
            sql: advice.declaration(),
            rung: "estimated",
            size_bytes: advice.candidate.bytes,
            saves_percent: self.share(advice),
            rows_written: advice.writes.rows,
            hot_updates_lost: advice.writes.lost_hot,
            serves: advice.serves.clone(),
        });
        let unneeded = self.unneeded.iter().map(|index| UnneededDocument {
            object: format!("{}.{}", index.schema, index.name),
            on: format!("{}.{}", index.schema, index.table),
            sql: drop_statement(index),
            size_bytes: index.bytes,
            scans: index.scans,
            counted_seconds: index.counted_seconds,
            is_safe: index.is_safe(),
            reason: doubt(index),
        });
        let statements = self.statements.iter().map(|shown| AdvisedStatementDocument {
            name: shown.statement.name.clone(),
            queryid: shown.statement.queryid,
            query: shown.statement.text.clone(),
            verdict: PlanVerdict::of(shown.before, shown.after),
            reason: shown.refused.clone(),
            cost_before: shown.before,
            cost_after: shown.after,
        });
        AdviseDocument {
            taken_at: self.origin.taken_at.clone(),
            advice: advice.collect(),
            unneeded: unneeded.collect(),
            statements: statements.collect(),
        }
    }
}

fn write_words(writes: WriteCost) -> String {
    let rows = format::grouped(&format!("{:.0}", writes.rows));
    match writes.lost_hot > 0.0 {
        true => format!(
            "{rows} rows written so far; {} updates were heap-only and would be no more",
            format::grouped(&format!("{:.0}", writes.lost_hot))
        ),
        false => format!("{rows} rows written so far"),
    }
}

fn doubt(index: &Unneeded) -> String {
    let days = index.counted_seconds / 86_400.0;
    match index.scans {
        _ if index.is_safe() => match index.other_servers {
            0 => format!("no scan in {days:.0} days; ask the standbys, too (--also)"),
            others => {
                let others = format::count(others, "other server", "other servers");
                format!("no scan in {days:.0} days, neither here nor on {others}")
            }
        },
        None => "whether it is scanned is not known".to_owned(),
        Some(0) => format!("counted for {days:.1} days only"),
        Some(_) => "statements outside of this workload scan it".to_owned(),
    }
}

fn drop_statement(index: &Unneeded) -> String {
    format!(
        "DROP INDEX CONCURRENTLY {}.{};",
        quote_ident(&index.schema),
        quote_ident(&index.name)
    )
}

#[derive(Debug, Serialize)]
struct AdviseDocument {
    taken_at: String,
    advice: Vec<AdviceDocument>,
    unneeded: Vec<UnneededDocument>,
    statements: Vec<AdvisedStatementDocument>,
}

#[derive(Debug, Serialize)]
struct AdviceDocument {
    action: &'static str,
    object: String,
    on: String,
    sql: String,
    rung: &'static str,
    size_bytes: u64,
    saves_percent: f64,
    rows_written: f64,
    hot_updates_lost: f64,
    serves: Vec<ServedStatement>,
}

#[derive(Debug, Serialize)]
struct UnneededDocument {
    object: String,
    on: String,
    sql: String,
    size_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    scans: Option<i64>,
    counted_seconds: f64,
    is_safe: bool,
    reason: String,
}

#[derive(Debug, Serialize)]
struct AdvisedStatementDocument {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    queryid: Option<i64>,
    query: String,
    verdict: PlanVerdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_before: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_after: Option<f64>,
}
