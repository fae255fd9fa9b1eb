//! Steps as programs read them: of plans and of what came of them.

use serde::Serialize;

use super::{Style, Text};
use crate::escape_control::escape_control;
use crate::format::{self, millis};
use crate::work::event::{Executed, ExecutedStep, Maintained, Refreshed, Status};
use crate::work::plan::{Plan, Step, Subject, Verdict};
use crate::work::reason::Code;
use crate::work::subject::Way;

/// What commands tell that change objects.
#[derive(Debug, Clone, Serialize)]
pub struct StepsDocument {
    steps: Vec<StepDocument>,
}

impl StepsDocument {
    /// What would be done.
    pub fn planned(plan: &Plan) -> Self {
        StepsDocument {
            steps: plan.steps.iter().map(StepDocument::planned).collect(),
        }
    }

    /// What was done.
    pub fn executed(done: &Executed) -> Self {
        StepsDocument {
            steps: done.steps.iter().map(StepDocument::executed).collect(),
        }
    }
}

/// How much a plan has to do, in a sentence.
pub fn summary(plan: &Plan) -> String {
    let count = |verdict| plan.steps.iter().filter(|step| step.verdict == verdict).count();
    let (to_do, refused) = (count(Verdict::ToDo), count(Verdict::Refused));
    let rest = settled(plan.steps.iter());
    if to_do + refused == 0 {
        return format!("Nothing to do: {rest}.");
    }
    let needs = if refused == 1 { "needs" } else { "need" };
    let parts = [
        (to_do > 0).then(|| format!("{to_do} to do")),
        (refused > 0).then(|| format!("{refused} {needs} manual action")),
        (to_do + refused < plan.steps.len()).then_some(rest),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ") + "."
}

/// `51 objects as declared, 3 present but not compared`: of steps that have nothing to do.
pub fn settled<'s>(steps: impl Iterator<Item = &'s Step> + Clone) -> String {
    let settled = steps.filter(|step| step.verdict.is_settled());
    let count = |code| settled.clone().filter(|step| step.reason.code == code).count();
    let (present, redundant) = (count(Code::NotCompared), count(Code::Redundant));
    let as_declared = settled.count() - present - redundant;
    let others = [(present, "present but not compared"), (redundant, "redundant")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, words)| format!("{number} {words}"));
    let counted = format!("{} as declared", format::count(as_declared, "object", "objects"));
    let objects = (as_declared > 0 || present + redundant == 0).then_some(counted);
    objects.into_iter().chain(others).collect::<Vec<_>>().join(", ")
}

/// What was done, a line each step, without figures.
pub fn gist(done: &Executed, summary: String, style: &Style) -> Text {
    let is_told = |ExecutedStep { step, outcome }: &&ExecutedStep| match outcome.status {
        Status::Done => !style.is_quiet(),
        Status::Skipped => !outcome.is_fresh() && !step.verdict.is_settled(),
        Status::Failed | Status::Cancelled => true,
    };
    let told = done.steps.iter().filter(is_told).map(|ExecutedStep { step, outcome }| {
        let (status, action) = (outcome.status.name(), step.action.words());
        let why = match outcome.status {
            Status::Done => String::new(),
            _ => format!(": {}", outcome.reason),
        };
        let line = format!("{status}: {action} {}{why}", step.object);
        escape_control(&line).into_owned() + "\n"
    });
    let mut text = Text::default();
    let lines = told.collect::<String>();
    if !lines.is_empty() {
        text.product(lines);
    }
    text.warnings(&done.warnings, style);
    text.narrate(summary);
    text
}

/// One object of a plan or of its execution.
#[derive(Debug, Clone, Serialize)]
struct StepDocument {
    action: &'static str,
    object: String,
    status: &'static str,
    verdict: &'static str,
    reason: String,
    reason_code: &'static str,
    sql: Option<String>,
    duration_ms: u64,
    on: Option<String>,
    lock: Option<String>,
    size_bytes: Option<i64>,
    estimated_size_bytes: Option<i64>,
    waited_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sqlstate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cleanup: Option<String>,
    #[serde(flatten)]
    refresh: Option<RefreshDocument>,
    #[serde(flatten)]
    maintenance: Option<MaintenanceDocument>,
    #[serde(flatten)]
    rebuild: Option<RebuildDocument>,
}

/// What only a rebuild knows.
#[derive(Debug, Clone, Serialize)]
struct RebuildDocument {
    size_before_bytes: i64,
    bloat: Option<f64>,
    rows: Option<i64>,
}

/// What only VACUUM and ANALYZE know.
#[derive(Debug, Clone, Serialize)]
struct MaintenanceDocument {
    dead_rows_before: i64,
    dead_rows_after: i64,
    frozen_xid_age_before: Option<i32>,
    frozen_xid_age_after: Option<i32>,
    pages_before: i64,
    pages: i64,
    pages_scanned: Option<i64>,
}

/// What only a refresh knows.
#[derive(Debug, Clone, Serialize)]
struct RefreshDocument {
    mode: String,
    rows_inserted: Option<i64>,
    rows_updated: Option<i64>,
    rows_deleted: Option<i64>,
    wal_bytes: Option<i64>,
}

impl StepDocument {
    /// A step that is only planned.
    fn planned(step: &Step) -> Self {
        let texts = step.statements.iter().flat_map(|statement| statement.texts());
        StepDocument {
            action: step.action.name(),
            object: step.object.to_string(),
            status: if step.verdict == Verdict::ToDo {
                "planned"
            } else {
                "skipped"
            },
            verdict: match step.verdict {
                Verdict::ToDo => "to_do",
                Verdict::AsDeclared => "as_declared",
                Verdict::LeftOut => "left_out",
                Verdict::Refused => "refused",
            },
            reason: step.reason.words.clone(),
            reason_code: step.reason.code.name(),
            sql: joined(&texts.collect::<Vec<_>>()),
            duration_ms: 0,
            on: step.on.as_ref().map(ToString::to_string),
            lock: step.lock.as_ref().map(ToString::to_string),
            size_bytes: None,
            estimated_size_bytes: step.estimated_bytes,
            waited_ms: 0,
            source: step.source().map(ToString::to_string),
            sqlstate: None,
            cleanup: None,
            refresh: match &step.subject {
                Subject::Refresh(refresh) => Some(refresh_document(refresh.way, None)),
                _ => None,
            },
            maintenance: None,
            rebuild: rebuild_document(step, None),
        }
    }

    /// A step and what it came to.
    fn executed(ExecutedStep { step, outcome }: &ExecutedStep) -> Self {
        StepDocument {
            status: outcome.status.name(),
            reason: outcome.reason.words.clone(),
            reason_code: outcome.reason.code.name(),
            sql: joined(&outcome.sent),
            duration_ms: millis(outcome.duration),
            size_bytes: outcome.size_bytes,
            waited_ms: millis(outcome.waited),
            sqlstate: outcome.sqlstate.clone(),
            cleanup: outcome.cleanup.clone(),
            refresh: match (outcome.refreshed(), &step.subject) {
                (Some(done), _) => Some(refresh_document(done.way, Some(done))),
                (None, Subject::Refresh(refresh)) => Some(refresh_document(refresh.way, None)),
                _ => None,
            },
            maintenance: outcome.maintained().and_then(maintenance_document),
            rebuild: rebuild_document(step, outcome.rows),
            ..StepDocument::planned(step)
        }
    }
}

fn refresh_document(way: Way, done: Option<&Refreshed>) -> RefreshDocument {
    let writes = done.and_then(|done| done.writes);
    RefreshDocument {
        mode: way.to_string(),
        rows_inserted: writes.map(|writes| writes.inserted),
        rows_updated: writes.map(|writes| writes.updated),
        rows_deleted: writes.map(|writes| writes.deleted),
        wal_bytes: done.and_then(|done| done.wal_bytes),
    }
}

fn rebuild_document(step: &Step, rows: Option<i64>) -> Option<RebuildDocument> {
    let Subject::Rebuild(rebuild) = &step.subject else {
        return None;
    };
    // Not so exact that more digits would count.
    let bloat = rebuild.bloat.map(|bloat| (bloat * 100.0).round() / 100.0);
    Some(RebuildDocument { size_before_bytes: rebuild.size_bytes, bloat, rows })
}

fn maintenance_document(done: &Maintained) -> Option<MaintenanceDocument> {
    done.change.map(|change| MaintenanceDocument {
        dead_rows_before: change.dead_rows_before,
        dead_rows_after: change.dead_rows_after,
        frozen_xid_age_before: change.frozen_xid_age_before,
        frozen_xid_age_after: change.frozen_xid_age_after,
        pages_before: change.pages_before,
        pages: change.pages,
        pages_scanned: done.pages_scanned,
    })
}

fn joined(statements: &[String]) -> Option<String> {
    (!statements.is_empty()).then(|| statements.join(";\n"))
}
