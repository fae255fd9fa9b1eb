//! What `check` shows.

use std::collections::HashMap;

use super::document::CheckDocument;
use super::glance::Glance;
use super::page;
use super::plan::Judgement;
use crate::escape_control::escape_control;
use crate::findings::{
    CheckVerdict, Finding, Repository, Review, Severity, counted, github, junit, markdown, sarif,
};
use crate::format::count;
use crate::output::dry_run::{DryRunReport, SettledObjects};
use crate::output::executed::in_all;
use crate::output::steps::{StepsDocument, gist};
use crate::output::table::{Narrow, cell, fitted, table};
use crate::output::wrap::prose;
use crate::output::{Format, Head, Outcome, Report, Style, Text};
use crate::warning::Warning;
use crate::work::event::{Executed, Status};
use crate::work::plan::Plan;

/// What was found.
#[derive(Debug)]
pub struct CheckReport {
    pub judgement: Judgement,
    pub glance: Glance,
    pub warning: Option<Warning>,
    /// What of it was mended before, or would be.
    pub fixed: Option<Fixed>,
    /// The database's name.
    pub name: String,
    /// When it was looked at, to the minute.
    pub looked_at: String,
    /// One line is wanted.
    pub is_brief: bool,
}

impl Report for CheckReport {
    fn outcome(&self) -> Outcome {
        match &self.fixed {
            Some(Fixed::Planned(plan)) if plan.has_work() => return Outcome::Planned,
            Some(Fixed::Done(_, Outcome::Done | Outcome::NothingToDo)) => {}
            Some(Fixed::Done(_, outcome)) => return *outcome,
            Some(Fixed::Planned(_)) | None => {}
        }
        match self.judgement.review.is_failed() {
            true => Outcome::Findings,
            false => Outcome::Done,
        }
    }

    fn json(&self, head: Head) -> String {
        let document =
            CheckDocument::new(&self.judgement, &self.glance, self.fixed.as_ref(), &repository());
        let own = self.warning.iter();
        let warnings = own.chain(self.fixed.iter().flat_map(Fixed::warnings)).cloned();
        head.document(self.outcome(), document, &warnings.collect::<Vec<_>>())
    }

    fn text(&self, style: &Style) -> Text {
        let review = &self.judgement.review;
        let mut text = match style.format {
            Format::Github => Text::of(github::text(review, &repository())),
            Format::Sarif => Text::of(sarif::text(review, &repository())),
            Format::Junit => Text::of(junit::text(review, &repository())),
            Format::Html => {
                Text::of(page::text(&self.judgement, &self.glance, &self.name, &self.looked_at))
            }
            Format::Markdown => Text::of(markdown::text(review, &repository())),
            _ if self.is_brief => Text::of(self.brief()),
            _ => self.shown_with_fixes(style),
        };
        if !self.is_brief {
            text.narrate(self.summary());
            self.tell_unseen(&mut text);
        }
        text.warnings(self.warning.as_slice(), style);
        text
    }
}

/// What `--fix` came to.
#[derive(Debug)]
pub enum Fixed {
    /// Nothing is sent.
    Planned(Plan),
    Done(Executed, Outcome),
}

impl Fixed {
    pub fn document(&self) -> StepsDocument {
        match self {
            Fixed::Planned(plan) => StepsDocument::planned(plan),
            Fixed::Done(done, _) => StepsDocument::executed(done),
        }
    }

    fn warnings(&self) -> &[Warning] {
        match self {
            Fixed::Planned(plan) => &plan.warnings,
            Fixed::Done(done, _) => &done.warnings,
        }
    }
}

fn mended(done: &Executed) -> String {
    let others = [
        (done.count(Status::Failed), "failed"),
        (done.count(Status::Cancelled), "cancelled"),
        (done.count(Status::Skipped), "skipped"),
    ];
    in_all(done, &[(done.count(Status::Done), "mended")], &others)
}

/// Findings stand in no file.
fn repository() -> Repository {
    Repository::here(".".as_ref())
}

/// So many findings of a rule are shown as they are; the others are counted, unless all are wanted.
const SHOWN: usize = 5;

impl CheckReport {
    /// What was done comes first, then what is left; what would be done comes last.
    fn shown_with_fixes(&self, style: &Style) -> Text {
        match &self.fixed {
            Some(Fixed::Done(done, _)) => {
                let mut text = gist(done, mended(done), style);
                text.product(self.shown(style));
                text
            }
            Some(Fixed::Planned(plan)) => {
                let (plan, rest) = (plan.clone(), SettledObjects::Explained("objects"));
                let mut text = Text::of(self.shown(style));
                text.pieces
                    .extend(DryRunReport { plan, rest, overview: None }.text(style).pieces);
                text
            }
            None => Text::of(self.shown(style)),
        }
    }

    fn shown(&self, style: &Style) -> String {
        let review = &self.judgement.review;
        let glance = match style.is_quiet() {
            true => String::new(),
            false => self.glance.block() + "\n",
        };
        let checks = match style.is_verbose() {
            true => checks(review, style.width),
            false => String::new(),
        };
        glance + &findings(review, style) + &checks
    }

    /// `shop: 1 critical, 2 warnings: public.a is invalid [invalid-index]`
    fn brief(&self) -> String {
        let findings = &self.judgement.review.findings;
        let counted = counted(findings).unwrap_or_else(|| "all right".to_owned());
        let unknown = match self.count(CheckVerdict::Unknown) {
            0 => String::new(),
            unknown => format!(", {unknown} unknown"),
        };
        let worst = findings.first().map_or_else(String::new, |worst| {
            let object = worst.object.as_deref().unwrap_or_default();
            format!("; {object}: {} [{}]", worst.message, worst.rule)
        });
        escape_control(&format!("{}: {counted}{unknown}{worst}", self.name)).into_owned() + "\n"
    }

    fn count(&self, verdict: CheckVerdict) -> usize {
        self.judgement
            .review
            .checks
            .iter()
            .filter(|check| check.verdict == verdict)
            .count()
    }

    fn summary(&self) -> String {
        let review = &self.judgement.review;
        let found = counted(&review.findings).unwrap_or_else(|| "nothing".to_owned());
        let parts = [
            (CheckVerdict::Passed, "passed"),
            (CheckVerdict::Failed, "with findings"),
            (CheckVerdict::Unknown, "unknown"),
            (CheckVerdict::Skipped, "skipped"),
        ]
        .map(|(verdict, words)| (self.count(verdict), words))
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, words)| format!("{number} {words}"))
        .collect::<Vec<_>>();
        let checks = count(review.checks.len(), "check", "checks");
        format!("Found {found} in {checks}: {}.", parts.join(", "))
    }

    fn tell_unseen(&self, text: &mut Text) {
        if self.count(CheckVerdict::Unknown) == 0 {
            return;
        }
        if self.judgement.remedies.is_empty() {
            text.narrate("pgtend check -v says why checks are unknown.");
            return;
        }
        let grants = self
            .judgement
            .remedies
            .iter()
            .map(|grant| format!("\n  {grant}"))
            .collect::<String>();
        text.narrate(format!("To see more (pgtend check -v says what is unknown):{grants}"));
    }
}

/// The worst come first.
fn findings(review: &Review, style: &Style) -> String {
    let least = if style.is_quiet() {
        Severity::Warning
    } else {
        Severity::Info
    };
    let told = review.findings.iter().filter(|it| it.severity >= least || review.fails(it));
    let mut shown = HashMap::<&str, usize>::new();
    let mut text = String::new();
    for finding in told {
        let number = shown.entry(finding.rule.as_str()).or_default();
        *number += 1;
        if *number <= SHOWN || style.is_verbose() {
            text.push_str(&prose(&item(finding), style.width));
        }
    }
    let mut rest = shown.iter().filter(|(_, number)| **number > SHOWN).collect::<Vec<_>>();
    rest.sort();
    if !style.is_verbose() && !rest.is_empty() {
        for (rule, number) in rest {
            text.push_str(&format!("… {} more of [{rule}]\n", number - SHOWN));
        }
        text.push_str("  -v shows all of them\n\n");
    }
    text
}

/// What is wrong, what it means, and the command that helps.
fn item(finding: &Finding) -> String {
    let Finding { rule, severity, object, message, help, command, .. } = finding;
    let about = object.as_ref().map_or_else(String::new, |object| format!("{object}: "));
    let mut item = format!(
        "{}: {} [{rule}]\n",
        severity.name(),
        escape_control(&format!("{about}{message}"))
    );
    for (before, part) in [("", help), ("$ ", command)] {
        if let Some(part) = part {
            item.push_str(&format!("  {before}{}\n", escape_control(part)));
        }
    }
    item + "\n"
}

/// Every check.
fn checks(review: &Review, width: Option<u16>) -> String {
    let mut table = table(&["check", "verdict", "why"]);
    for check in &review.checks {
        table.add_row([cell(check.name), cell(check.told()), cell(check.why())]);
    }
    fitted(&table, Narrow { wraps: "why", drops: &[], alike: &[] }, width)
}
