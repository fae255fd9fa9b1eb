//! `pgtend rules`.

pub mod report;

use crate::app::Context;
use crate::app::command::{Command, Connects};
use crate::app::manual::Example;
use crate::did_you_mean;
use crate::failure::{Failure, Result};
use crate::findings::Rule;
use crate::output::Report;
use report::RulesReport;

/// List the rules of `check` and `verify`, or explain one: what happens, and what to do instead
///
/// Findings show their rule in brackets: [table-scan]. The rules of the linter squawk are explained at squawkhq.com/docs/rules.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the rule, as findings show it
    #[arg(value_name = "RULE")]
    pub rule: Option<String>,
}

impl Command for Args {
    const NAME: &'static str = "rules";
    const ALIASES: &'static [&'static str] = &["explain"];
    const EXAMPLES: &'static [Example] = &[
        ("pgtend rules", "List the rules"),
        ("pgtend rules table-scan", "Explain a rule, with a bad and a good example"),
        ("pgtend rules --format json", "List them for a program"),
    ];
    const SEE_ALSO: &'static [&'static str] = &["check", "verify"];
    const CONNECTS: Connects = Connects::No;

    async fn run(&self, _context: &Context) -> Result<Box<dyn Report>> {
        Ok(Box::new(match self.rule.as_deref() {
            None => RulesReport::All,
            Some(name) => explain(name)?,
        }))
    }
}

fn explain(name: &str) -> Result<RulesReport> {
    if let Some(rule) = Rule::named(name) {
        return Ok(RulesReport::One(rule));
    }
    if Rule::is_squawks(name) {
        return Ok(RulesReport::Squawks(name.to_owned()));
    }
    let known = Rule::ALL.iter().map(|rule| rule.name.to_owned()).collect::<Vec<_>>();
    if name.contains(char::is_whitespace) {
        let hint = "pgtend slow-queries --explain shows the plans of slow statements";
        return Err(Failure::usage(format!("there is no rule {name}")).hint(hint));
    }
    let otherwise = "pgtend rules lists them";
    let hint = did_you_mean::hint_or(name, &known, otherwise);
    Err(Failure::usage(format!("there is no rule {name}")).hint(hint))
}
