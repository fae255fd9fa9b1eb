//! What came of ending statements and sessions.

use std::time::Duration;

use serde::Serialize;

use super::hands::{Hand, Why};
use crate::escape_control::escape_control;
use crate::facts::at_stake::AtStake;
use crate::format::millis;
use crate::output::table::{Narrow, cell, fitted, table};
use crate::output::{Head, Outcome, Report, Style, Text};
use crate::work::plan::one_line;
use crate::work::reason::Reason;

/// So much of a statement is shown.
const STATEMENT_SHOWN: usize = 100;

/// A session to be ended, or its statement.
#[derive(Debug, Clone)]
pub struct SessionSignal {
    pub hand: Hand,
    /// 0 for a prepared transaction.
    pub pid: i32,
    pub at_stake: Option<AtStake>,
    /// In words.
    pub lost: Vec<String>,
    pub took: Duration,
    end: Option<(SignalStatus, Why)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum SignalStatus {
    Done,
    Skipped,
    Failed,
}

impl SessionSignal {
    pub fn new(hand: Hand, pid: i32) -> Self {
        SessionSignal {
            hand,
            pid,
            at_stake: None,
            lost: Vec::new(),
            took: Duration::ZERO,
            end: None,
        }
    }

    /// Whether it is to be done yet.
    pub fn is_open(&self) -> bool {
        self.end.is_none()
    }

    pub fn is_done(&mut self, why: Why) {
        self.end = Some((SignalStatus::Done, why));
    }

    pub fn is_left(&mut self, why: Why) {
        self.end = Some((SignalStatus::Skipped, why));
    }

    pub fn has_failed(&mut self, why: Why) {
        self.end = Some((SignalStatus::Failed, why));
    }

    /// Whether a person has to look at it.
    fn needs_a_person(&self) -> bool {
        match &self.end {
            Some((SignalStatus::Skipped, Why::Declined | Why::EndedMeanwhile)) => false,
            Some((status, _)) => *status != SignalStatus::Done,
            None => false,
        }
    }

    /// What is about to be ended, and what is lost with it.
    pub fn announcement(&self) -> String {
        let who = self.at_stake.as_ref().map(who).unwrap_or_default();
        let query = self
            .at_stake
            .as_ref()
            .and_then(|it| it.query.as_deref())
            .map(|query| format!("\n  {}", one_line(query, STATEMENT_SHOWN)));
        let lost = self.lost.iter().map(|lost| format!("\n  lost: {lost}")).collect::<String>();
        let waiting = match self.at_stake.as_ref().map_or(0, |it| it.waiting) {
            0 => String::new(),
            1 => "\n  1 session waits for it".to_owned(),
            many => format!("\n  {many} sessions wait for it"),
        };
        let what = self.hand.words();
        format!("{what} of pid {}{who}{}{lost}{waiting}", self.pid, query.unwrap_or_default())
    }
}

fn who(it: &AtStake) -> String {
    let parts = [&it.role, &it.database, &it.application, &it.backend_type]
        .into_iter()
        .flatten()
        .filter(|part| *part != "client backend")
        .filter(|part| !part.is_empty())
        .map(|part| escape_control(part).into_owned())
        .collect::<Vec<_>>();
    if parts.is_empty() {
        String::new()
    } else {
        format!(" ({})", parts.join(", "))
    }
}

#[derive(Debug, Default)]
pub struct SignalsReport {
    pub signals: Vec<SessionSignal>,
    /// Whose blockers were asked for, where it has none.
    pub waits_for_nobody: Option<i32>,
}

impl SignalsReport {
    /// Nothing is to be ended after all.
    pub fn decline(&mut self) {
        for signal in self.signals.iter_mut().filter(|signal| signal.is_open()) {
            signal.is_left(Why::Declined);
        }
    }
}

#[derive(Serialize)]
struct SignalsDocument {
    steps: Vec<SignalDocument>,
}

#[derive(Serialize)]
struct SignalDocument {
    action: &'static str,
    object: String,
    status: Option<SignalStatus>,
    reason: String,
    reason_code: &'static str,
    sql: Option<String>,
    duration_ms: u64,
    lost: Vec<String>,
}

impl SignalDocument {
    fn of(signal: &SessionSignal) -> Self {
        let reason = signal.end.as_ref().map(|(_, why)| Reason::from(why.clone()));
        let Reason { code, words } = reason.unwrap_or_default();
        let status = signal.end.as_ref().map(|(status, _)| *status);
        let function = match signal.hand {
            Hand::Cancel => "pg_cancel_backend",
            Hand::Terminate => "pg_terminate_backend",
        };
        SignalDocument {
            action: signal.hand.action(),
            object: signal.pid.to_string(),
            status,
            reason: words,
            reason_code: code.name(),
            sql: (status != Some(SignalStatus::Skipped))
                .then(|| format!("SELECT pg_catalog.{function}({})", signal.pid)),
            duration_ms: millis(signal.took),
            lost: signal.lost.clone(),
        }
    }
}

impl Report for SignalsReport {
    fn outcome(&self) -> Outcome {
        let is_done = |signal: &SessionSignal| matches!(signal.end, Some((SignalStatus::Done, _)));
        match () {
            () if self.signals.iter().any(SessionSignal::needs_a_person) => Outcome::Failed,
            () if self.signals.iter().any(is_done) => Outcome::Done,
            () => Outcome::NothingToDo,
        }
    }

    fn json(&self, head: Head) -> String {
        let steps = self.signals.iter().map(SignalDocument::of).collect();
        head.document(self.outcome(), SignalsDocument { steps }, &[])
    }

    fn text(&self, style: &Style) -> Text {
        let mut text = Text::default();
        if let Some(pid) = self.waits_for_nobody {
            text.narrate(format!("pid {pid} waits for nobody."));
        }
        let is_told = |signal: &&SessionSignal| !style.is_quiet() || signal.needs_a_person();
        let told = self.signals.iter().filter(is_told).collect::<Vec<_>>();
        if !told.is_empty() {
            text.product(signals_table(&told, style));
        }
        text
    }
}

fn signals_table(signals: &[&SessionSignal], style: &Style) -> String {
    let mut shown = table(&["status", "action", "pid", "session", "why", "lost"]);
    for signal in signals {
        let document = SignalDocument::of(signal);
        let (status, lost) = match signal.end.as_ref().map(|(status, _)| *status) {
            Some(SignalStatus::Done) => ("done", signal.lost.join("; ")),
            Some(SignalStatus::Failed) => ("failed", String::new()),
            _ => ("skipped", String::new()),
        };
        let who = signal
            .at_stake
            .as_ref()
            .map(who)
            .unwrap_or_default()
            .trim_matches([' ', '(', ')'])
            .to_owned();
        shown.add_row(vec![
            cell(status),
            cell(signal.hand.words()),
            cell(if signal.pid == 0 {
                "-".to_owned()
            } else {
                document.object
            }),
            cell(who),
            cell(document.reason),
            cell(lost),
        ]);
    }
    fitted(&shown, Narrow { wraps: "why", drops: &["session"], alike: &[] }, style.width)
}
