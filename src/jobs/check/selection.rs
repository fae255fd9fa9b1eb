//! Which checks are asked for.

use crate::did_you_mean;
use crate::failure::{Failure, Result};
use crate::findings::{Group, Rule};

/// Rules of an opt-in group that are looked at all the same: whoever finds them open owns the server.
const ALWAYS: &[&Rule] =
    &[&Rule::PUBLIC_CREATE, &Rule::SUPERUSER_FUNCTION_SEARCH_PATH, &Rule::REMOTE_TRUST];

/// The checks that are asked for.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    groups: Vec<Group>,
    only: Vec<Word>,
    skip: Vec<Word>,
}

/// What `--only` and `--skip` can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Group(Group),
    Rule(&'static str),
}

impl Selection {
    /// As the command line says it.
    ///
    /// # Errors
    /// `Usage` for a word that is neither a rule of `check` nor a group.
    pub fn new(groups: &[Group], only: &[String], skip: &[String]) -> Result<Self> {
        let words = |option: &str, words: &[String]| {
            words.iter().map(|word| Word::of(option, word)).collect::<Result<Vec<_>>>()
        };
        let (only, skip) = (words("--only", only)?, words("--skip", skip)?);
        Ok(Selection { groups: groups.to_vec(), only, skip })
    }

    /// Why the rule is not looked at; `None` where it is.
    pub fn why_not(&self, rule: &'static Rule) -> Option<&'static str> {
        let names = |words: &[Word]| words.iter().any(|word| word.names(rule));
        if names(&self.skip) {
            return Some("left out by --skip");
        }
        if !self.only.is_empty() || !self.groups.is_empty() {
            let is_asked = names(&self.only) || self.groups.contains(&rule.group);
            return (!is_asked).then_some("not asked for");
        }
        let is_default = !rule.group.is_opt_in() || ALWAYS.contains(&rule);
        (!is_default).then_some("not asked for: name its group")
    }
}

impl Word {
    fn of(option: &str, word: &str) -> Result<Word> {
        let rule = Rule::named(word).filter(|rule| Group::OF_CHECK.contains(&rule.group));
        let found = Group::named(word).map(Word::Group);
        found.or(rule.map(|rule| Word::Rule(rule.name))).ok_or_else(|| {
            let rules = Rule::ALL.iter().filter(|rule| Group::OF_CHECK.contains(&rule.group));
            let known = rules
                .map(|rule| rule.name)
                .chain(Group::OF_CHECK.map(Group::name))
                .map(str::to_owned)
                .collect::<Vec<_>>();
            let hint = did_you_mean::hint_or(
                word,
                &known,
                "pgtend rules lists the rules and their groups",
            );
            Failure::usage(format!("{option}: {word} is no rule of check and no group")).hint(hint)
        })
    }

    fn names(self, rule: &Rule) -> bool {
        match self {
            Word::Group(group) => rule.group == group,
            Word::Rule(name) => rule.name == name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_rules_and_what_is_left_out() {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let of = |groups: &[Group], only: &[&str], skip: &[&str]| {
            let selection = Selection::new(groups, &words(only), &words(skip)).unwrap();
            [&Rule::XID_WRAPAROUND, &Rule::DUPLICATE_INDEX]
                .map(|it| selection.why_not(it).is_none())
        };
        assert_eq!(of(&[], &[], &[]), [true, true]);
        assert_eq!(of(&[Group::Indexes], &[], &[]), [false, true]);
        assert_eq!(of(&[], &["xid-wraparound"], &[]), [true, false]);
        assert_eq!(of(&[], &[], &["vacuum"]), [false, true]);
        let failure = Selection::new(&[], &words(&["vaccum"]), &[]).unwrap_err();
        assert!(failure.hint.unwrap().contains("vacuum"));
    }
}
