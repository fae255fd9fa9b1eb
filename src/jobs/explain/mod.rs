//! `pgtend explain`.

pub mod report;

use crate::app::Context;
use crate::app::command::{Command, Connects};
use crate::did_you_mean;
use crate::failure::{Failure, Result};
use crate::findings::Rule;
use crate::output::Report;
use report::RulesReport;

/// Explain a rule of `verify`: what happens, and what to write instead
///
/// Without RULE, lists the rules. Those of the linter squawk are explained at
/// squawkhq.com/docs/rules.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The rule's name, as it stands in a finding
    #[arg(value_name = "RULE")]
    pub rule: Option<String>,
}

impl Command for Args {
    const NAME: &'static str = "explain";
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
    let otherwise = "pgtend explain, without a name, lists the rules";
    let hint = did_you_mean::hint_or(name, &known, otherwise);
    Err(Failure::usage(format!("there is no rule {name}")).hint(hint))
}
