//! What `plan` shows.

use std::collections::BTreeSet;

use serde::Serialize;

use super::undeclared::Undeclared;
use crate::format;
use crate::output::steps::{StepsDocument, summary};
use crate::output::table::{Narrow, cell, fitted, right, table};
use crate::output::wrap::prose;
use crate::output::{Head, Outcome, Report, Style, Text, Verbosity, within_schema};
use crate::work::plan::{LockMode, Plan, Step, UNNAMED, Verdict};

/// What would be done, object by object.
#[derive(Debug)]
pub struct PlanReport {
    /// The plan.
    pub plan: Plan,
    /// Whether it is a finding that there is something to do.
    pub outcome: Outcome,
    /// What no file declares, where that was asked for.
    pub undeclared: Option<Vec<Undeclared>>,
    /// The schema, where the plan is for one of several.
    pub schema: Option<String>,
}

#[derive(Serialize)]
struct PlanDocument<'r> {
    #[serde(flatten)]
    steps: StepsDocument,
    #[serde(skip_serializing_if = "Option::is_none")]
    undeclared: Option<&'r [Undeclared]>,
}

impl PlanReport {
    /// What is about to be done.
    pub fn of(plan: &Plan) -> Self {
        let plan = Plan { warnings: Vec::new(), ..plan.clone() };
        PlanReport {
            plan,
            outcome: Outcome::Planned,
            undeclared: None,
            schema: None,
        }
    }
}

impl Report for PlanReport {
    fn outcome(&self) -> Outcome {
        self.outcome
    }

    fn json(&self, head: Head) -> String {
        let steps = StepsDocument::planned(&self.plan);
        let document = PlanDocument { steps, undeclared: self.undeclared.as_deref() };
        head.document(self.outcome, document, &self.plan.warnings)
    }

    fn text(&self, style: &Style) -> Text {
        let mut text = Text::default();
        if !style.is_quiet() || self.outcome == Outcome::Findings {
            let steps = self.plan.steps.iter();
            let shown = steps.filter(|step| is_shown(step, style.verbosity)).collect::<Vec<_>>();
            if !shown.is_empty() {
                text.product(table_of(&shown, style));
            }
            let undeclared = self.undeclared.as_deref().unwrap_or_default();
            if !undeclared.is_empty() {
                text.product(undeclared_table(undeclared, style));
            }
            text.narrate(summary(&self.plan));
            if self.undeclared.is_some() {
                text.narrate(match undeclared.len() {
                    0 => "Every index and materialized view is declared.".to_owned(),
                    some => format!("{some} not declared."),
                });
            }
        }
        text.warnings(&self.plan.warnings, style);
        text
    }

    /// Without sizes, which differ from one database to the next.
    fn gist(&self, style: &Style) -> Text {
        let mut plan = match &self.schema {
            Some(schema) => within_schema::plan(&self.plan, schema),
            None => self.plan.clone(),
        };
        plan.steps.iter_mut().for_each(|step| step.estimated_bytes = None);
        let undeclared = self.undeclared.clone();
        PlanReport { plan, outcome: self.outcome, undeclared, schema: None }.text(style)
    }
}

fn undeclared_table(undeclared: &[Undeclared], style: &Style) -> String {
    let mut table = table(&["not declared", "object", "on", "size and use", "kept by"]);
    for one in undeclared {
        table.add_row(vec![
            cell(one.kind.replace('_', " ")),
            cell(&one.object),
            cell(one.on.as_deref().unwrap_or("-")),
            cell(one.facts()),
            cell(one.kept_by.as_deref().unwrap_or_default()),
        ]);
    }
    let narrow = Narrow { wraps: "size and use", drops: &["kept by", "on"], alike: &[] };
    format!("\n{}", fitted(&table, narrow, style.width))
}

fn is_shown(step: &Step, verbosity: Verbosity) -> bool {
    matches!(step.verdict, Verdict::ToDo | Verdict::Refused) || verbosity == Verbosity::Verbose
}

/// An index without a name is known by its table.
fn name(step: &Step) -> String {
    match (&step.on, step.object.name == UNNAMED) {
        (Some(on), true) => format!("{UNNAMED} on {on}"),
        _ => step.object.to_string(),
    }
}

/// Why, and where it is declared if a person has to look there.
fn with_place(step: &Step) -> String {
    match step.source().filter(|_| step.verdict == Verdict::Refused) {
        Some(source) => format!("{} ({source})", step.reason),
        None => step.reason.words.clone(),
    }
}

/// What the table does not say of locks: the one that all take, and that of partitioned tables.
fn about_locks(steps: &[&Step]) -> String {
    let modes = steps
        .iter()
        .filter_map(|step| step.lock.as_ref().map(|lock| lock.mode))
        .collect::<Vec<_>>();
    let mut notes = String::new();
    if let [first, rest @ ..] = modes.as_slice()
        && modes.len() == steps.len()
        && !rest.is_empty()
        && rest.iter().all(|mode| mode == first)
    {
        notes.push_str(&format!("\nStrongest lock of each: {first}{}.\n", effect(*first)));
    }
    let exclusive = steps
        .iter()
        .filter_map(|step| step.lock.as_ref())
        .filter(|lock| lock.mode == LockMode::AccessExclusive);
    for on in exclusive.map(|lock| &lock.on).collect::<BTreeSet<_>>() {
        notes.push_str(&format!("\nAccessExclusive is on {on}, briefly.\n"));
    }
    notes
}

/// What a lock means to the application.
fn effect(mode: LockMode) -> &'static str {
    match mode {
        LockMode::ShareUpdateExclusive => "; reads and writes go on",
        _ => "",
    }
}

fn table_of(steps: &[&Step], style: &Style) -> String {
    let mut table = table(&["action", "object", "on", "why", "strongest lock", "est. size"]);
    for step in steps {
        let action = match step.verdict {
            Verdict::ToDo => step.action.words(),
            Verdict::AsDeclared | Verdict::LeftOut => "-",
            Verdict::Refused => "manual action",
        };
        let size = match (step.verdict, step.estimated_bytes) {
            (Verdict::ToDo, Some(bytes)) => format!("~{}", format::bytes(bytes)),
            _ => "-".to_owned(),
        };
        table.add_row(vec![
            cell(action),
            cell(name(step)),
            cell(step.on.as_ref().map_or("-".to_owned(), ToString::to_string)),
            cell(with_place(step)),
            cell(step.lock.as_ref().map_or("-".to_owned(), |lock| lock.mode.to_string())),
            right(size),
        ]);
    }
    let narrow = Narrow {
        wraps: "why",
        drops: &["est. size", "strongest lock", "on"],
        alike: &["strongest lock"],
    };
    let mut product =
        fitted(&table, narrow, style.width) + &prose(&about_locks(steps), style.width);
    if style.is_verbose() {
        product.push('\n');
        for step in steps {
            let mut statements =
                step.statements.iter().flat_map(|statement| statement.texts()).peekable();
            if let (Some(_), Some(source)) = (statements.peek(), step.source()) {
                product.push_str(&format!("-- {source}\n"));
            }
            statements.for_each(|statement| product.push_str(&format!("{statement};\n")));
        }
    }
    product
}
