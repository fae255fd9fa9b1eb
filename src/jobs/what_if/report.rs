//! What `what-if` shows.

use serde::Serialize;
use serde_json::Value;

use super::plan::ComparedStatement;
use crate::app::custom_plans::CustomCosts;
use crate::escape_control::escape_control;
use crate::facts::explain::TableFacts;
use crate::format;
use crate::output::table::{Narrow, cell, fitted, right, table};
use crate::output::wrap::prose;
use crate::output::{Head, Outcome, Report, Style, Text};
use crate::twin::data::TwinOrigin;
use crate::twin::{Candidate, PlanVerdict, Planned, Wish};
use crate::warning::Warning;
use crate::work::explained;
use crate::work::plan::one_line;

/// So much of a statement's text is shown.
const TEXT_WIDTH: usize = 161;

/// An index that was tried.
#[derive(Debug, Clone, PartialEq)]
pub struct TriedIndex {
    pub wish: Wish,
    pub candidate: Candidate,
}

impl TriedIndex {
    /// As it would be created.
    pub fn statement(&self) -> String {
        self.wish.sql(None)
    }
}

/// Plans before and after a change.
#[derive(Debug)]
pub struct WhatIfReport {
    pub statements: Vec<ComparedStatement>,
    pub tried: Vec<TriedIndex>,
    /// Of which database, as of when.
    pub origin: TwinOrigin,
    pub warnings: Vec<Warning>,
}

impl Report for WhatIfReport {
    fn outcome(&self) -> Outcome {
        Outcome::Done
    }

    fn json(&self, head: Head) -> String {
        let statements = self.statements.iter().map(WhatIfStatementDocument::of).collect();
        let candidates = self.tried.iter().map(|tried| CandidateDocument {
            statement: tried.statement(),
            on: tried.candidate.table.to_string(),
            size_bytes: tried.candidate.bytes,
        });
        let body = WhatIfDocument {
            taken_at: self.origin.taken_at.clone(),
            candidates: candidates.collect(),
            statements,
        };
        head.document(self.outcome(), body, &self.warnings)
    }

    fn text(&self, style: &Style) -> Text {
        let mut text = Text::default();
        if !self.tried.is_empty() {
            text.product(self.tried_table(style));
        }
        match self.statements.as_slice() {
            [one] => text.product(plans(one, style) + &custom(one)),
            _ => text.product(self.statements_table(style)),
        }
        text.warnings(&self.warnings, style);
        text.narrate(self.summary());
        text
    }
}

impl WhatIfReport {
    fn tried_table(&self, style: &Style) -> String {
        let mut shown = table(&["index", "size"]);
        for tried in &self.tried {
            let size = format::size(tried.candidate.bytes);
            shown.add_row(vec![cell(tried.statement()), right(size)]);
        }
        fitted(&shown, Narrow { wraps: "index", drops: &[], alike: &[] }, style.width) + "\n"
    }

    fn statements_table(&self, style: &Style) -> String {
        let mut shown = table(&["statement", "cost", "after", "", "why", "text"]);
        for compared in &self.statements {
            let after = compared.after.as_ref().and_then(Planned::cost);
            let verdict = match (&compared.after, compared.verdict()) {
                (None, PlanVerdict::Same) => "",
                (_, verdict) => verdict.words(),
            };
            shown.add_row(vec![
                cell(&compared.statement.name),
                right(compared.before.cost().map(cost).unwrap_or_default()),
                right(after.map(cost).unwrap_or_default()),
                cell(verdict),
                cell(compared.reason().unwrap_or_default()),
                cell(one_line(&compared.statement.text, TEXT_WIDTH)),
            ]);
            for costs in compared.custom_that_differ() {
                shown.add_row(vec![
                    cell(format!("  {}", costs.value.words())),
                    right(cost(costs.before)),
                    right(costs.after.map(cost).unwrap_or_default()),
                    cell(costs.after.map(|_| costs.verdict().words()).unwrap_or_default()),
                    cell(""),
                    cell(""),
                ]);
            }
        }
        fitted(&shown, Narrow { wraps: "text", drops: &["text"], alike: &[] }, style.width)
    }

    fn summary(&self) -> String {
        let count = |verdict| {
            self.statements.iter().filter(|compared| compared.verdict() == verdict).count()
        };
        let planned = self.statements.len() - count(PlanVerdict::NotJudged);
        let mut summary = format!("{} planned", format::count(planned, "statement", "statements"));
        if self.statements.iter().any(|compared| compared.after.is_some()) {
            summary += &format!(
                ": {} better, {} worse, {} same",
                count(PlanVerdict::Better),
                count(PlanVerdict::Worse),
                count(PlanVerdict::Same)
            );
        }
        match count(PlanVerdict::NotJudged) {
            0 => summary + ".",
            not => format!("{summary}; {not} not judged."),
        }
    }
}

/// What it costs with values, under the plans for any value.
fn custom(compared: &ComparedStatement) -> String {
    let line = |costs: &CustomCosts| match costs.after {
        Some(after) => {
            format!("{}: cost {} -> {}\n", costs.value.words(), cost(costs.before), cost(after))
        }
        None => format!("{}: cost {}\n", costs.value.words(), cost(costs.before)),
    };
    match compared.custom_that_differ() {
        [] => String::new(),
        differ => format!(
            "\nthe plan depends on the parameters\n{}",
            differ.iter().map(line).collect::<String>()
        ),
    }
}

fn cost(cost: f64) -> String {
    let figure = format!("{cost:.2}");
    match figure.split_once('.') {
        Some((whole, rest)) => format!("{}.{rest}", format::grouped(whole)),
        None => figure,
    }
}

/// Side by side where there is room, else one below the other.
fn plans(compared: &ComparedStatement, style: &Style) -> String {
    let tree = |planned: &Planned| match planned {
        Planned::Plan(plan, _) => {
            let tree = explained::read(plan, &TableFacts::default()).tree;
            tree.iter().map(|line| escape_control(line).into_owned()).collect()
        }
        Planned::Not(reason) => vec![format!("cannot be planned: {reason}")],
    };
    let before = tree(&compared.before);
    let Some(after) = compared.after.as_ref().map(tree) else {
        return prose(&(before.join("\n") + "\n"), style.width);
    };
    let left = before.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let right = after.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let has_room = style.width.is_none_or(|width| left + right + 3 <= usize::from(width));
    if !has_room {
        let both = format!("before\n{}\n\nafter\n{}\n", before.join("\n"), after.join("\n"));
        return prose(&both, style.width);
    }
    let rows = before.len().max(after.len());
    let line = |lines: &[String], at: usize| lines.get(at).cloned().unwrap_or_default();
    let mut shown = format!("{:left$}   after\n", "before");
    for at in 0..rows {
        let both = format!("{:left$}   {}", line(&before, at), line(&after, at));
        shown.push_str(both.trim_end());
        shown.push('\n');
    }
    shown
}

#[derive(Debug, Serialize)]
struct WhatIfDocument {
    taken_at: String,
    candidates: Vec<CandidateDocument>,
    statements: Vec<WhatIfStatementDocument>,
}

#[derive(Debug, Serialize)]
struct CandidateDocument {
    statement: String,
    on: String,
    size_bytes: u64,
}

#[derive(Debug, Serialize)]
struct WhatIfStatementDocument {
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
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    uses: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    custom_plans: Vec<CustomCosts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_plans_reason: Option<String>,
}

impl WhatIfStatementDocument {
    fn of(compared: &ComparedStatement) -> Self {
        let after = compared.after.as_ref();
        WhatIfStatementDocument {
            name: compared.statement.name.clone(),
            queryid: compared.statement.queryid,
            query: compared.statement.text.clone(),
            verdict: compared.verdict(),
            reason: compared.reason().map(str::to_owned),
            cost_before: compared.before.cost(),
            cost_after: after.and_then(Planned::cost),
            before: compared.before.plan().cloned(),
            after: after.and_then(Planned::plan).cloned(),
            uses: compared.uses.clone(),
            custom_plans: compared.custom.clone().unwrap_or_default(),
            custom_plans_reason: compared.custom.as_ref().err().cloned(),
        }
    }
}
