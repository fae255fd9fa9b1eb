//! What `prove` shows.

use std::time::Duration;

use serde::Serialize;

use super::plan::{ProofVerdict, Side, verdict_of_all};
use crate::escape_control::escape_control;
use crate::format;
use crate::output::table::{Narrow, cell, fitted, right, table};
use crate::output::wrap::prose;
use crate::output::{Head, Outcome, Report, Style, Text};
use crate::pg::name::RelationName;
use crate::twin::wishes::DeclaredWish;
use crate::twin::workload::WorkloadStatement;
use crate::warning::Warning;
use crate::work::plan::one_line;

/// So much of a statement's text is shown.
const TEXT_WIDTH: usize = 161;

/// What a claim rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ProofRung {
    #[serde(rename = "measured_on_copy")]
    Copy,
    /// A table was not copied as a whole.
    #[serde(rename = "measured_on_sample")]
    Sample,
    #[serde(rename = "measured_in_production")]
    Production,
}

impl ProofRung {
    fn words(self) -> &'static str {
        match self {
            ProofRung::Copy => "a copy",
            ProofRung::Sample => "a sample",
            ProofRung::Production => "production",
        }
    }
}

/// What was found out about an index.
#[derive(Debug, Clone, PartialEq)]
pub struct Proof {
    pub name: Option<String>,
    pub table: RelationName,
    /// As it would be created.
    pub sql: String,
    pub verdict: ProofVerdict,
    /// Why it was not judged.
    pub reason: Option<String>,
    pub rung: ProofRung,
    /// The statement that takes it away again; pgtend never sends it.
    pub undo: Option<String>,
    pub bytes: Option<u64>,
    pub built: Option<Duration>,
    pub statements: Vec<MeasuredStatement>,
}

/// A statement with and without the index.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredStatement {
    pub statement: WorkloadStatement,
    pub verdict: ProofVerdict,
    pub reason: Option<String>,
    pub before: Option<Side>,
    pub after: Option<Side>,
    pub writes: bool,
}

impl Proof {
    pub fn of(wish: &DeclaredWish) -> Proof {
        Proof {
            name: wish.name.clone(),
            table: RelationName::unqualified(wish.wish.table.clone()),
            sql: wish.wish.sql(wish.name.as_deref()),
            verdict: ProofVerdict::NotJudged,
            reason: None,
            rung: ProofRung::Copy,
            undo: None,
            bytes: None,
            built: None,
            statements: Vec::new(),
        }
    }

    /// An index of production, by its name in the history.
    pub fn of_built(object: &str) -> Proof {
        Proof {
            name: None,
            table: RelationName::unqualified(""),
            sql: object.to_owned(),
            verdict: ProofVerdict::NotJudged,
            reason: None,
            rung: ProofRung::Production,
            undo: None,
            bytes: None,
            built: None,
            statements: Vec::new(),
        }
    }

    /// By what is known of its statements.
    pub fn judge(&mut self) {
        let judged = self.statements.iter().map(|statement| {
            let ms = |side: &Option<Side>| side.map_or(0.0, |side| side.ms);
            (
                statement.statement.calls.max(1.0),
                statement.verdict,
                ms(&statement.before),
                ms(&statement.after),
            )
        });
        self.verdict = verdict_of_all(&judged.collect::<Vec<_>>());
    }
}

impl MeasuredStatement {
    pub fn of(statement: &WorkloadStatement) -> MeasuredStatement {
        MeasuredStatement {
            statement: statement.clone(),
            verdict: ProofVerdict::NotJudged,
            reason: None,
            before: None,
            after: None,
            writes: false,
        }
    }
}

/// What was measured on a copy.
#[derive(Debug)]
pub struct ProveReport {
    pub proofs: Vec<Proof>,
    /// Bytes; `None`: nothing was copied.
    pub copied: Option<u64>,
    /// An index that is not better is a finding.
    pub checks: bool,
    pub warnings: Vec<Warning>,
}

impl Report for ProveReport {
    fn outcome(&self) -> Outcome {
        let is_all_better = self.proofs.iter().all(|proof| proof.verdict == ProofVerdict::Better);
        match self.checks && !is_all_better {
            true => Outcome::Findings,
            false if self.proofs.is_empty() => Outcome::NothingToDo,
            false => Outcome::Done,
        }
    }

    fn json(&self, head: Head) -> String {
        let proofs = self.proofs.iter().map(ProofDocument::of).collect();
        let body = ProveDocument { copied_bytes: self.copied, proofs };
        head.document(self.outcome(), body, &self.warnings)
    }

    fn text(&self, style: &Style) -> Text {
        let mut text = Text::default();
        if self.proofs.is_empty() {
            text.narrate("apply built no index within this time.");
            return text;
        }
        text.product(self.proofs_table(style));
        for proof in self.proofs.iter().filter(|proof| !proof.statements.is_empty()) {
            let heading = prose(&escape_control(&proof.sql), style.width);
            text.product(format!("\n{heading}\n{}", statements_table(proof, style)));
        }
        for undo in self.undone() {
            text.product(format!("\nTo undo it: {undo};\n"));
        }
        text.warnings(&self.warnings, style);
        text.narrate(self.summary());
        text
    }
}

impl ProveReport {
    fn proofs_table(&self, style: &Style) -> String {
        let mut shown = table(&["index", "verdict", "size", "build", "measured on", "why"]);
        for proof in &self.proofs {
            shown.add_row(vec![
                cell(&proof.sql),
                cell(proof.verdict.words()),
                right(proof.bytes.map(format::size).unwrap_or_default()),
                right(proof.built.map(format::duration).unwrap_or_default()),
                cell(proof.rung.words()),
                cell(proof.reason.as_deref().unwrap_or_default()),
            ]);
        }
        fitted(&shown, Narrow { wraps: "index", ..Narrow::default() }, style.width)
    }

    /// What is not better could go again.
    fn undone(&self) -> impl Iterator<Item = &str> {
        let doubtful = self.proofs.iter();
        let doubtful = doubtful
            .filter(|proof| matches!(proof.verdict, ProofVerdict::NoEffect | ProofVerdict::Worse));
        doubtful.filter_map(|proof| proof.undo.as_deref())
    }

    fn summary(&self) -> String {
        let place = match self.copied {
            Some(bytes) => format!("on {} of rows", format::size(bytes)),
            None => "in production".to_owned(),
        };
        let count = |verdict| self.proofs.iter().filter(|proof| proof.verdict == verdict).count();
        let mut summary = format!(
            "{} measured {place}: {} better, {} without effect, {} worse",
            format::count(self.proofs.len(), "index", "indexes"),
            count(ProofVerdict::Better),
            count(ProofVerdict::NoEffect),
            count(ProofVerdict::Worse)
        );
        if count(ProofVerdict::NotJudged) > 0 {
            summary += &format!("; {} not judged", count(ProofVerdict::NotJudged));
        }
        summary + "."
    }
}

fn statements_table(proof: &Proof, style: &Style) -> String {
    let mut shown = table(&[
        "statement",
        "verdict",
        "ms before",
        "ms after",
        "pages before",
        "pages after",
        "WAL before",
        "WAL after",
        "why",
        "text",
    ]);
    for measured in &proof.statements {
        let ms = |side: &Option<Side>| side.map(|side| time(&side)).unwrap_or_default();
        let pages = |side: &Option<Side>| {
            let known = side.filter(|side| !side.is_over);
            known
                .map(|side| format::grouped(&format!("{:.0}", side.buffers)))
                .unwrap_or_default()
        };
        let wal = |side: &Option<Side>| {
            let known = side.filter(|side| measured.writes && !side.is_over);
            known.map(|side| format::size(side.wal_bytes as u64)).unwrap_or_default()
        };
        shown.add_row(vec![
            cell(&measured.statement.name),
            cell(measured.verdict.words()),
            right(ms(&measured.before)),
            right(ms(&measured.after)),
            right(pages(&measured.before)),
            right(pages(&measured.after)),
            right(wal(&measured.before)),
            right(wal(&measured.after)),
            cell(measured.reason.as_deref().unwrap_or_default()),
            cell(one_line(&measured.statement.text, TEXT_WIDTH)),
        ]);
    }
    fitted(
        &shown,
        Narrow { wraps: "text", drops: &["text"], ..Narrow::default() },
        style.width,
    )
}

fn time(side: &Side) -> String {
    match side.is_over {
        true => format!("> {:.0}", side.ms),
        false => format!("{:.2} ± {:.2}", side.ms, side.deviation_ms),
    }
}

#[derive(Debug, Serialize)]
struct ProveDocument {
    #[serde(skip_serializing_if = "Option::is_none")]
    copied_bytes: Option<u64>,
    proofs: Vec<ProofDocument>,
}

#[derive(Debug, Serialize)]
struct ProofDocument {
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    on: String,
    sql: String,
    verdict: ProofVerdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    rung: ProofRung,
    #[serde(skip_serializing_if = "Option::is_none")]
    undo: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    build_ms: Option<u64>,
    statements: Vec<ProvedStatementDocument>,
}

impl ProofDocument {
    fn of(proof: &Proof) -> Self {
        ProofDocument {
            object: proof.name.as_ref().map(|name| proof.table.sibling(name).to_string()),
            on: proof.table.to_string(),
            sql: proof.sql.clone(),
            verdict: proof.verdict,
            reason: proof.reason.clone(),
            rung: proof.rung,
            undo: proof.undo.clone(),
            size_bytes: proof.bytes,
            build_ms: proof.built.map(format::millis),
            statements: proof.statements.iter().map(ProvedStatementDocument::of).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
struct ProvedStatementDocument {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    queryid: Option<i64>,
    query: String,
    verdict: ProofVerdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ms_before: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ms_after: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deviation_ms_before: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deviation_ms_after: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    buffers_before: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    buffers_after: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wal_bytes_before: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wal_bytes_after: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
}

impl ProvedStatementDocument {
    fn of(measured: &MeasuredStatement) -> Self {
        let whole = |side: Option<Side>| side.filter(|side| !side.is_over);
        let (before, after) = (measured.before, measured.after);
        let wal = |side| whole(side).filter(|_| measured.writes).map(|side| side.wal_bytes as u64);
        ProvedStatementDocument {
            name: measured.statement.name.clone(),
            queryid: measured.statement.queryid,
            query: measured.statement.text.clone(),
            verdict: measured.verdict,
            reason: measured.reason.clone(),
            ms_before: before.map(|side| side.ms),
            ms_after: after.map(|side| side.ms),
            deviation_ms_before: whole(before).map(|side| side.deviation_ms),
            deviation_ms_after: whole(after).map(|side| side.deviation_ms),
            buffers_before: whole(before).map(|side| side.buffers as u64),
            buffers_after: whole(after).map(|side| side.buffers as u64),
            wal_bytes_before: wal(before),
            wal_bytes_after: wal(after),
            rows: whole(after).and_then(|side| side.rows).map(|rows| rows as u64),
        }
    }
}
