//! For which arguments there is something to offer, and what.

use std::ffi::OsStr;
use std::sync::Arc;

use clap::{Arg, Command};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use super::names::{self, CompletionPlace, NamesWanted};
use super::request::CompletionRequest;
use crate::findings::{Group, Rule, Severity};

/// What is offered for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offer {
    Targets,
    /// Names of the database's.
    Names(NamesWanted),
    Rules,
    RulesAndGroups,
    /// What `--fail-on` takes.
    RulesAndSeverities(&'static [Severity]),
}

/// The parser, with what there is to offer for the values of its arguments.
pub fn offered(parser: Command, request: &CompletionRequest) -> Command {
    let place = Arc::new(CompletionPlace::of(request));
    let names = parser.get_subcommands().map(|command| command.get_name().to_owned());
    let commands = names.collect::<Vec<_>>();
    let parser = parser.mut_args(|argument| with_offer("", argument, &place));
    commands.into_iter().fold(parser, |parser, name| {
        parser.mut_subcommand(&name, |command| {
            command.mut_args(|argument| with_offer(&name, argument, &place))
        })
    })
}

fn with_offer(command: &str, argument: Arg, place: &Arc<CompletionPlace>) -> Arg {
    let Some(offer) = offer(command, argument.get_id().as_str()) else {
        return argument;
    };
    let place = Arc::clone(place);
    let complete = move |current: &OsStr| {
        let typed = current.to_string_lossy();
        let values = candidates(offer, &place, &typed)
            .into_iter()
            .filter(|value| begins(value, &typed));
        values.map(CompletionCandidate::new).collect()
    };
    argument.add(ArgValueCompleter::new(complete))
}

/// Of a name in quotes the quote need not be typed.
fn begins(value: &str, typed: &str) -> bool {
    value.starts_with(typed) || value.strip_prefix('"').is_some_and(|it| it.starts_with(typed))
}

fn offer(command: &str, argument: &str) -> Option<Offer> {
    Some(match (command, argument) {
        (_, "target") => Offer::Targets,
        ("adopt" | "analyze" | "vacuum" | "reindex", "schema") | (_, "for_schema") => {
            Offer::Names(NamesWanted::Schemas)
        }
        ("refresh", "views") => Offer::Names(NamesWanted::Views),
        ("analyze" | "vacuum", "tables" | "exclude") => Offer::Names(NamesWanted::Tables),
        ("plan" | "apply" | "adopt" | "reindex", "table") => Offer::Names(NamesWanted::Tables),
        ("reindex", "indexes" | "exclude") | ("what-if", "hide") => {
            Offer::Names(NamesWanted::Indexes)
        }
        ("plan" | "apply", "index") => Offer::Names(NamesWanted::NamesOfIndexes),
        ("rules", "rule") | ("verify", "exclude") => Offer::Rules,
        ("check", "only" | "skip") => Offer::RulesAndGroups,
        ("check", "fail_on") => {
            Offer::RulesAndSeverities(&[Severity::Critical, Severity::Warning, Severity::Info])
        }
        ("verify", "fail_on") => Offer::RulesAndSeverities(&[Severity::Error, Severity::Warning]),
        _ => return None,
    })
}

fn candidates(offer: Offer, place: &CompletionPlace, current: &str) -> Vec<String> {
    let rules = || Rule::ALL.iter().map(|rule| rule.name.to_owned());
    match offer {
        Offer::Targets => place.targets(),
        Offer::Names(wanted) => names::load(place, wanted, current),
        Offer::Rules => rules().collect(),
        Offer::RulesAndGroups => {
            let groups = Group::OF_CHECK.iter().map(|group| group.name().to_owned());
            groups.chain(rules()).collect()
        }
        Offer::RulesAndSeverities(severities) => {
            let names = severities.iter().map(|severity| severity.name().to_owned());
            names.chain(rules()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An argument that is renamed must not lose what is offered for it.
    #[test]
    fn every_argument_with_an_offer_is_there() {
        let parser = crate::cli::parser();
        let mut offers = 0;
        for command in parser.get_subcommands() {
            let ids = command.get_arguments().map(|it| it.get_id().as_str());
            offers += ids.filter(|id| offer(command.get_name(), id).is_some()).count();
        }
        assert_eq!(offers, 27);
        assert!(parser.get_arguments().any(|it| offer("", it.get_id().as_str()).is_some()));
    }
}
