//! The advice as a document for programs.

use serde::Serialize;

use super::report::{AdviseReport, ServedStatement, doubt, drop_statement};
use super::unhelped::NoHelp;
use crate::app::custom_plans::CustomCosts;
use crate::pg::name::RelationName;
use crate::twin::PlanVerdict;

impl AdviseReport {
    pub(super) fn document(&self) -> AdviseDocument {
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
            covered_by: index.covered_by.clone(),
        });
        let statements = self.statements.iter().map(|shown| AdvisedStatementDocument {
            name: shown.statement.name.clone(),
            queryid: shown.statement.queryid,
            query: shown.statement.text.clone(),
            verdict: PlanVerdict::of(shown.before, shown.after),
            reason: shown.refused.clone(),
            cost_before: shown.before,
            cost_after: shown.after,
            custom_plans: shown.custom.clone(),
            no_index_helps: shown.no_help.iter().map(NoHelpDocument::of).collect(),
        });
        let stale = self.stale.iter().map(|table| StaleTableDocument {
            object: table.table.to_string(),
            reason: table.message(),
            reason_code: table.code(),
            command: table.command(),
        });
        let statistics = self.missing_statistics.iter().map(|missing| StatisticsDocument {
            object: RelationName { schema: missing.table.schema.clone(), name: missing.name() }
                .to_string(),
            on: missing.table.to_string(),
            columns: missing.columns.clone(),
            sql: missing.sql(),
            reason: missing.message(),
            rows_expected: missing.expected,
            rows_returned: missing.returned,
        });
        AdviseDocument {
            taken_at: self.origin.taken_at.clone(),
            advice: advice.collect(),
            unneeded: unneeded.collect(),
            statements: statements.collect(),
            statistics: statistics.collect(),
            stale_statistics: stale.collect(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct AdviseDocument {
    taken_at: String,
    advice: Vec<AdviceDocument>,
    unneeded: Vec<UnneededDocument>,
    statements: Vec<AdvisedStatementDocument>,
    statistics: Vec<StatisticsDocument>,
    stale_statistics: Vec<StaleTableDocument>,
}

#[derive(Debug, Serialize)]
struct StatisticsDocument {
    object: String,
    on: String,
    columns: Vec<String>,
    sql: String,
    reason: String,
    rows_expected: f64,
    rows_returned: f64,
}

#[derive(Debug, Serialize)]
struct StaleTableDocument {
    object: String,
    reason: String,
    reason_code: &'static str,
    command: String,
}

#[derive(Debug, Serialize)]
struct NoHelpDocument {
    reason_code: &'static str,
    reason: String,
    help: String,
}

impl NoHelpDocument {
    fn of(no_help: &NoHelp) -> Self {
        NoHelpDocument {
            reason_code: no_help.code,
            reason: no_help.message.clone(),
            help: no_help.help.clone(),
        }
    }
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
    #[serde(skip_serializing_if = "Option::is_none")]
    covered_by: Option<String>,
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    custom_plans: Vec<CustomCosts>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    no_index_helps: Vec<NoHelpDocument>,
}
