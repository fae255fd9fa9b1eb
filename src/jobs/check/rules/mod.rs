//! The checks: each rule a file, with a pure function over the facts.

mod counted;
mod design;
mod indexes;
mod opinions;
mod partitions;
mod replication;
mod security;
mod sequences;
mod sessions;
mod settings;
mod space;
mod statistics;
mod urgency;
mod vacuum;
mod versions;

use crate::facts::Unavailable;
use crate::facts::health::{Health, RoleSetting};
use crate::findings::{Finding, Rule};
use counted::Counted;

/// A rule, and how it is judged whether it finds something.
#[derive(Debug, Clone, Copy)]
pub struct Judge {
    pub rule: &'static Rule,
    pub judge: fn(&Health) -> Judged,
}

/// What a check came to: what it found, or why it could not look.
pub type Judged = Result<Found, NotJudged>;

/// What a check found, and what it could not see of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    pub findings: Vec<Finding>,
    /// There may be more, where this could be seen.
    pub unknown: Option<Unavailable>,
}

/// Why a check came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotJudged {
    /// What it looks at could not be seen.
    Unknown(Unavailable),
    /// There is nothing here that it is about.
    Skipped(&'static str),
}

impl From<&Unavailable> for NotJudged {
    fn from(why: &Unavailable) -> Self {
        NotJudged::Unknown(why.clone())
    }
}

impl From<Unavailable> for NotJudged {
    fn from(why: Unavailable) -> Self {
        NotJudged::Unknown(why)
    }
}

impl From<Vec<Finding>> for Found {
    fn from(findings: Vec<Finding>) -> Self {
        Found { findings, unknown: None }
    }
}

impl FromIterator<Finding> for Found {
    fn from_iter<I: IntoIterator<Item = Finding>>(findings: I) -> Self {
        findings.into_iter().collect::<Vec<_>>().into()
    }
}

/// `41 days`, `3 h 2 min`.
pub(super) fn span(seconds: f64) -> String {
    let days = (seconds / 86_400.0).floor();
    match crate::format::seconds(seconds) {
        Some(short) if days < 2.0 => crate::format::duration(short),
        _ => format!("{days:.0} days"),
    }
}

/// Since when a counter counts: `in 41 days`, or `so far` where that is not known.
fn since_reset(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "so far".to_owned(), |seconds| format!("in {}", span(seconds)))
}

/// Why the past days are not known: a history is there, and the role may not read it. What it would tell may be worse
/// than what is known without it.
fn unseen_history(health: &Health) -> Option<Unavailable> {
    health.trends.seen().err().cloned()
}

/// What takes a setting away from a role.
fn role_reset(setting: &RoleSetting, database: &str) -> String {
    let RoleSetting { name, role, is_here, .. } = setting;
    match is_here {
        true => format!("ALTER ROLE {role} IN DATABASE {database} RESET {name}"),
        false => format!("ALTER ROLE {role} RESET {name}"),
    }
}

/// What is not known of tables that somebody has locked.
fn hidden_by_locks() -> Unavailable {
    Unavailable::because("tables are locked, and the definitions of their indexes were not read")
}

/// The rules of a group, each in the file of its name: its `RULE`, and its function `judge`.
macro_rules! judges {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*

        /// In the order in which they are told.
        pub const ALL: &[$crate::jobs::check::rules::Judge] = &[
            $($crate::jobs::check::rules::Judge { rule: &$module::RULE, judge: $module::judge },)*
        ];
    };
}

use judges;

pub use versions::latest as latest_release;

/// All checks, by group.
pub fn all() -> impl Iterator<Item = Judge> {
    [
        vacuum::ALL,
        statistics::ALL,
        space::ALL,
        indexes::ALL,
        sequences::ALL,
        replication::ALL,
        sessions::ALL,
        settings::ALL,
        versions::ALL,
        security::ALL,
        design::ALL,
        partitions::ALL,
        opinions::ALL,
    ]
    .into_iter()
    .flatten()
    .copied()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::findings::Group;

    #[test]
    fn every_rule_of_check_has_one_judge() {
        let judged = all().map(|judge| judge.rule.name).collect::<Vec<_>>();
        let known = judged.iter().collect::<HashSet<_>>();
        assert_eq!(known.len(), judged.len());
        for rule in Rule::ALL.iter().filter(|rule| Group::OF_CHECK.contains(&rule.group)) {
            assert!(known.contains(&rule.name), "{} has no judge", rule.name);
        }
    }

    #[test]
    fn what_could_not_be_seen_is_never_passed() {
        let blind = Health::blind();
        for judge in all() {
            let judged = (judge.judge)(&blind);
            assert!(matches!(judged, Err(NotJudged::Unknown(_))), "{}", judge.rule.name);
        }
    }
}
