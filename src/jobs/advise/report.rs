//! What `advise` shows.

use serde::Serialize;

use super::statistics::{MissingStatistics, StaleTable};
use super::unhelped::NoHelp;
use super::unneeded::Unneeded;
use super::writes::WriteCost;
use crate::app::custom_plans::{CustomCosts, ParameterValue};
use crate::format;
use crate::output::table::{Narrow, cell, fitted, right, table};
use crate::output::{Format, Head, Outcome, Report, Style, Text};
use crate::pg::name::quote_ident;
use crate::twin::Candidate;
use crate::twin::data::TwinOrigin;
use crate::twin::workload::WorkloadStatement;
use crate::warning::Warning;
use crate::work::plan::one_line;

/// So much of a text stands in a comment, on one line: a line break would end the comment.
pub(super) const TEXT_WIDTH: usize = 201;

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
    /// Where some values of its parameters gain and others do not: which gain.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub helps: Vec<ParameterValue>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub custom_plans: Vec<CustomCosts>,
}

impl ServedStatement {
    /// Which values alone gain, in words.
    pub(super) fn only(&self) -> Option<String> {
        let words = self.helps.iter().map(|value| value.words()).collect::<Vec<_>>();
        (!words.is_empty()).then(|| format!("helps only {}", words.join(" and ")))
    }
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
    pub custom: Vec<CustomCosts>,
    /// Why it was not judged.
    pub refused: Option<String>,
    /// It is dear and no index helps: why, and what would.
    pub no_help: Vec<NoHelp>,
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
    pub stale: Vec<StaleTable>,
    pub missing_statistics: Vec<MissingStatistics>,
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
        let in_part = self.helped_in_part();
        if !in_part.is_empty() {
            text.product(in_part);
        }
        if !self.missing_statistics.is_empty() {
            text.product(format!("\n{}", self.statistics_table(style)));
        }
        if self.unhelped().next().is_some() {
            text.product(format!("\n{}", self.unhelped_table(style)));
        }
        if !self.unneeded.is_empty() {
            text.product(format!("\n{}", self.unneeded_table(style)));
        }
        for table in &self.stale {
            let (command, why) = (table.command(), table.message());
            text.warn(format!("ANALYZE {} first: {why} ({command})", table.table));
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

    pub(super) fn share(&self, advice: &Advice) -> f64 {
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

    /// Where an index helps some values of parameters only.
    fn helped_in_part(&self) -> String {
        let mut lines = String::new();
        for advice in &self.advice {
            for served in &advice.serves {
                if let Some(only) = served.only() {
                    let text = one_line(&served.query, TEXT_WIDTH);
                    lines.push_str(&format!("{} {only} of: {text}\n", advice.name));
                }
            }
        }
        match lines.is_empty() {
            true => lines,
            false => format!("\n{lines}"),
        }
    }

    /// Dear statements with what their plans show.
    pub(super) fn unhelped(&self) -> impl Iterator<Item = (&Shown, &NoHelp)> {
        let shown = self.statements.iter();
        shown.flat_map(|shown| shown.no_help.iter().map(move |no_help| (shown, no_help)))
    }

    fn unhelped_table(&self, style: &Style) -> String {
        let mut shown = table(&["no index helps", "why", "what would", "text"]);
        let mut last = None;
        for (of, no_help) in self.unhelped() {
            let is_new = last != Some(&of.statement.name);
            last = Some(&of.statement.name);
            let text = one_line(&of.statement.text, TEXT_WIDTH);
            shown.add_row(vec![
                cell(if is_new { of.statement.name.as_str() } else { "" }),
                cell(&no_help.message),
                cell(&no_help.help),
                cell(if is_new { text.as_str() } else { "" }),
            ]);
        }
        let narrow = Narrow { wraps: "why", drops: &["text", "what would"], alike: &[] };
        fitted(&shown, narrow, style.width)
    }

    fn statistics_table(&self, style: &Style) -> String {
        let mut shown = table(&["statistics to create", "why"]);
        for missing in &self.missing_statistics {
            shown.add_row(vec![cell(missing.sql()), cell(missing.message())]);
        }
        fitted(&shown, Narrow { wraps: "why", drops: &[], alike: &[] }, style.width)
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

    pub(super) fn summary(&self) -> String {
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
            0 if self.is_partial => {
                return format!("Interrupted before an index was found ({basis}).");
            }
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
}

pub(super) fn write_words(writes: WriteCost) -> String {
    let rows = format::grouped(&format!("{:.0}", writes.rows));
    match writes.lost_hot > 0.0 {
        true => format!(
            "{rows} rows written so far; {} updates were heap-only and would be no more",
            format::grouped(&format!("{:.0}", writes.lost_hot))
        ),
        false => format!("{rows} rows written so far"),
    }
}

pub(super) fn doubt(index: &Unneeded) -> String {
    let counted = counted_doubt(index);
    match &index.covered_by {
        Some(advised) => format!("{advised} begins with its columns, once it is there; {counted}"),
        None => counted,
    }
}

fn counted_doubt(index: &Unneeded) -> String {
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
        Some(0) => {
            let counted = format::seconds(index.counted_seconds).unwrap_or_default();
            format!("counted for {} only", format::span(counted))
        }
        Some(_) => "statements outside of this workload scan it".to_owned(),
    }
}

pub(super) fn drop_statement(index: &Unneeded) -> String {
    format!(
        "DROP INDEX CONCURRENTLY {}.{};",
        quote_ident(&index.schema),
        quote_ident(&index.name)
    )
}
