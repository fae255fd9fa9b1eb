//! `pgtend explain`.

use crate::failure::{Failure, Result, exit_code};
use crate::plan::verify::Rule;
use crate::report;

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

/// Runs the command. Returns the exit code.
///
/// # Errors
/// `Usage` where there is no such rule.
pub fn run(args: &Args) -> Result<u8> {
    match &args.rule {
        Some(name) => explain(name)?,
        None => report::print(&report::verify::rules()),
    }
    Ok(exit_code::DONE)
}

fn explain(name: &str) -> Result<()> {
    if let Some(rule) = Rule::named(name) {
        report::print(&report::verify::page(rule));
        return Ok(());
    }
    if Rule::is_squawks(name) {
        let page = format!("A rule of the linter squawk: https://squawkhq.com/docs/{name}\n");
        report::print(&page);
        return Ok(());
    }
    Err(Failure::usage(format!("there is no rule {name}"))
        .hint("pgtend explain, without a name, lists the rules"))
}
