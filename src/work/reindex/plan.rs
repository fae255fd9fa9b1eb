//! The plan of `pgtend reindex`: which indexes, why, and in which order.

mod bloat;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::why::Why;
use crate::did_you_mean;
use crate::facts::Oid;
use crate::facts::reindex::{Facts, Reindexable};
use crate::facts::suspicion::Suspicion;
use crate::failure::{Failure, Result};
use crate::format;
use crate::pg::name::{quote_ident, rebuild_leftover_names};
use crate::pg::name_pattern::NamePattern;
use crate::pg::version::ServerVersion;
use crate::warning::Warning;
use crate::work::plan::{Action, Lock, Plan, Statement, Step, Subject, Verdict, describe, drop};
use crate::work::reason::{Code, Reason};
use crate::work::subject::Rebuild;
use bloat::Judged;
pub use bloat::{Bloat, Gates};

#[derive(Debug, Clone)]
pub struct Options {
    /// Indexes by name or pattern; each has to match one.
    pub indexes: Vec<NamePattern>,
    /// Tables whose indexes are meant; each has to match one.
    pub tables: Vec<NamePattern>,
    /// Only indexes of these schemas; empty: of all.
    pub schemas: Vec<glob::Pattern>,
    /// Indexes that are left out.
    pub exclude: Vec<NamePattern>,
    /// Only those that are invalid or bloated, or those that are suspect, or both of them.
    pub only_needed: bool,
    pub only_suspect: bool,
    pub gates: Gates,
    /// The server's version, which decides what it can do.
    pub version: ServerVersion,
}

impl Options {
    fn names_any(&self) -> bool {
        !self.indexes.is_empty() || !self.tables.is_empty()
    }
}

/// Chooses the indexes and says of each why it is rebuilt or not. What is invalid comes first, then what gives
/// back the most for the time that it takes.
///
/// # Errors
/// `Usage` for a pattern that matches nothing.
pub fn plan(facts: &Facts, options: &Options) -> Result<Plan> {
    let chosen = chosen(facts, options)?;
    let leftovers = leftovers(&facts.indexes);
    let mut planned = Vec::new();
    let mut plan = Plan::default();
    for index in facts.indexes.iter().filter(|index| chosen.contains(&index.oid)) {
        let planner = Planner {
            facts,
            options,
            index,
            chosen: &chosen,
            leftovers: &leftovers,
        };
        if let Some(step) = planner.step() {
            plan.warnings.extend(planner.warning(&step));
            planned.push((planner.urgency(&step), step));
        }
    }
    planned.sort_by_key(|(urgency, step)| (Reverse(*urgency), step.object.clone()));
    // What is too small to be looked at is counted.
    let told = |step: &Step| {
        let is_looked_at = match &step.subject {
            Subject::Rebuild(rebuild) => facts.bloat.contains_key(&rebuild.index),
            _ => true,
        };
        step.verdict != Verdict::LeftOut || options.names_any() || is_looked_at
    };
    let steps = planned.into_iter().map(|(_, step)| step);
    let (steps, rest): (Vec<_>, Vec<_>) = steps.partition(told);
    plan.not_due = rest.len();
    plan.steps = steps;
    Ok(plan)
}

/// What a rebuild has left, and of which index.
#[derive(Clone, Copy)]
struct Leftover<'p> {
    left: &'p Reindexable,
    of: &'p Reindexable,
}

/// What rebuilds have left, by its number.
fn leftovers(indexes: &[Reindexable]) -> HashMap<Oid, Leftover<'_>> {
    let broken = indexes
        .iter()
        .filter(|index| !index.is_whole && !index.is_partitioned)
        .map(|index| ((index.table_oid, index.name.name.as_str()), index))
        .collect::<HashMap<_, _>>();
    let mut leftovers = HashMap::new();
    if broken.is_empty() {
        return leftovers;
    }
    let tables = broken.keys().map(|(table, _)| *table).collect::<HashSet<_>>();
    for index in indexes.iter().filter(|index| tables.contains(&index.table_oid)) {
        for name in rebuild_leftover_names(&index.name.name) {
            let left = broken.get(&(index.table_oid, name.as_str()));
            if let Some(left) = left.filter(|left| left.shape == index.shape) {
                leftovers.insert(left.oid, Leftover { left, of: index });
            }
        }
    }
    leftovers
}

/// The indexes that are named; `None` where all are meant.
///
/// # Errors
/// `Usage` for a pattern that matches nothing.
pub fn named(facts: &Facts, options: &Options) -> Result<Option<Vec<Oid>>> {
    let is_stored = |index: &&Reindexable| !index.is_partitioned;
    let chosen = chosen(facts, options)?;
    let stored = facts.indexes.iter().filter(is_stored).map(|index| index.oid);
    Ok(options.names_any().then(|| stored.filter(|oid| chosen.contains(oid)).collect()))
}

fn chosen(facts: &Facts, options: &Options) -> Result<HashSet<Oid>> {
    let mut chosen = HashSet::new();
    for pattern in &options.indexes {
        let matching = facts
            .indexes
            .iter()
            .filter(|it| pattern.matches(&it.name, it.is_visible))
            .map(|index| index.oid)
            .collect::<Vec<_>>();
        if matching.is_empty() {
            return Err(nothing("index", pattern, facts.indexes.iter().map(|it| &it.name)));
        }
        chosen.extend(matching);
    }
    for pattern in &options.tables {
        let matching = facts
            .indexes
            .iter()
            .filter(|it| pattern.matches(&it.table, it.is_visible))
            .map(|index| index.oid)
            .collect::<Vec<_>>();
        if matching.is_empty() {
            return Err(nothing(
                "table with indexes",
                pattern,
                facts.indexes.iter().map(|it| &it.table),
            ));
        }
        chosen.extend(matching);
    }
    if !options.names_any() {
        let all = facts.indexes.iter().filter(|index| !index.is_system && !index.is_temporary);
        chosen.extend(all.map(|index| index.oid));
    }
    add_parts(&facts.indexes, &mut chosen);
    for index in facts.indexes.iter().filter(|index| is_excluded(index, options)) {
        chosen.remove(&index.oid);
    }
    Ok(chosen)
}

/// Whoever names the index of a partitioned table means those of its partitions.
fn add_parts(indexes: &[Reindexable], chosen: &mut HashSet<Oid>) {
    let parents = indexes
        .iter()
        .filter_map(|it| Some((it.oid, it.parent?)))
        .collect::<HashMap<_, _>>();
    for index in indexes {
        let mut above = parents.get(&index.oid);
        while let Some(parent) = above {
            if chosen.contains(parent) {
                chosen.insert(index.oid);
                break;
            }
            above = parents.get(parent);
        }
    }
}

fn is_excluded(index: &Reindexable, options: &Options) -> bool {
    let schema = index.name.schema.as_deref().unwrap_or_default();
    let is_elsewhere = !options.schemas.is_empty()
        && !options.schemas.iter().any(|pattern| pattern.matches(schema));
    is_elsewhere || options.exclude.iter().any(|it| it.matches(&index.name, index.is_visible))
}

fn nothing<'n>(
    what: &str,
    pattern: &NamePattern,
    names: impl Iterator<Item = &'n crate::pg::name::RelationName>,
) -> Failure {
    let names = names.map(ToString::to_string).collect::<Vec<_>>();
    let otherwise = "without a schema only what the search path finds is meant";
    Failure::usage(format!("there is no {what} {pattern}")).hint(did_you_mean::hint_or(
        &pattern.to_string(),
        &names,
        otherwise,
    ))
}

struct Planner<'p> {
    facts: &'p Facts,
    options: &'p Options,
    index: &'p Reindexable,
    /// The indexes that are meant.
    chosen: &'p HashSet<Oid>,
    leftovers: &'p HashMap<Oid, Leftover<'p>>,
}

/// How urgent a step is; the greatest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Urgency {
    /// It costs every write, and goes within moments.
    is_leftover: bool,
    is_broken: bool,
    was_left: bool,
    /// Bytes that are given back for each thousand that have to be written and read.
    saved: i64,
}

impl Planner<'_> {
    /// `None`: its work is part of another step, or it has no storage.
    fn step(&self) -> Option<Step> {
        let index = self.index;
        if index.is_partitioned {
            return None;
        }
        if let Some(leftover) = self.leftovers.get(&index.oid) {
            return self.leftover_step(leftover.of);
        }
        let judged = self.judge();
        let mut step = self.new_step(Action::Reindex, judged.bloat());
        step.reason = self.reason(&judged);
        step.verdict = match self.is_wanted(&judged) {
            false => Verdict::LeftOut,
            true if index.is_temporary => {
                step.reason = Why::Temporary.into();
                Verdict::LeftOut
            }
            true => match self.refusal(&step.reason) {
                Some(why) => {
                    step.reason = why.into();
                    Verdict::Refused
                }
                None => Verdict::ToDo,
            },
        };
        if step.verdict == Verdict::ToDo {
            step.lock = Lock::share_update_exclusive(&index.table);
            step.estimated_bytes = judged.bloat().map(|bloat| bloat.fresh_bytes());
            step.statements = self.statements();
        }
        Some(step)
    }

    fn is_wanted(&self, judged: &Judged) -> bool {
        let Options { only_needed, only_suspect, .. } = self.options;
        let is_needed = matches!(judged, Judged::Bloated(_)) || !self.index.is_whole;
        let is_asked_for = !only_needed && !only_suspect;
        is_asked_for || *only_needed && is_needed || *only_suspect && self.suspicion().is_some()
    }

    /// What makes it suspect, unless pgtend has built it with the programs that run.
    fn suspicion(&self) -> Option<&Suspicion> {
        let suspicion = self.facts.suspicions.get(&self.index.oid)?;
        let birth = self.facts.births.get(&self.index.name.to_string());
        (!birth.is_some_and(|birth| birth.is_by_this_server)).then_some(suspicion)
    }

    fn new_step(&self, action: Action, bloat: Option<&Bloat>) -> Step {
        let index = self.index;
        let size_bytes = self.size_bytes();
        let subject = Rebuild {
            index: index.oid,
            table: index.table_oid,
            tablespace: index.tablespace.clone(),
            size_bytes,
            bloat: bloat.map(Bloat::times),
        };
        let past = self.facts.past.get(&index.name.to_string());
        Step {
            on: Some(index.table.clone()),
            table_bytes: size_bytes,
            usual_duration: past.and_then(|past| past.usual),
            ..Step::new(action, index.name.clone(), Subject::Rebuild(subject))
        }
    }

    /// The leftover of an index that is rebuilt goes with it.
    fn leftover_step(&self, of: &Reindexable) -> Option<Step> {
        let is_of = Planner { index: of, ..*self };
        if is_of.is_chosen_and_done() {
            return None;
        }
        let mut step = self.new_step(Action::DropLeftover, None);
        step.reason = Why::Leftover { index: of.name.clone() }.into();
        match self.refusal(&step.reason) {
            Some(why) => {
                step.reason = why.into();
                step.verdict = Verdict::Refused;
            }
            None => {
                step.verdict = Verdict::ToDo;
                step.lock = Lock::share_update_exclusive(&self.index.table);
                step.statements = vec![drop(&self.index.name)];
            }
        }
        Some(step)
    }

    fn is_chosen_and_done(&self) -> bool {
        self.chosen.contains(&self.index.oid)
            && self.step().is_some_and(|step| step.verdict == Verdict::ToDo)
    }

    fn size_bytes(&self) -> i64 {
        self.facts.sizes.get(&self.index.oid).copied().unwrap_or(self.index.size_bytes)
    }

    fn judge(&self) -> Judged {
        bloat::judge(self.facts, self.index, self.size_bytes(), &self.options.gates)
    }

    fn reason(&self, judged: &Judged) -> Reason {
        let size = judged.words(self.size_bytes(), &self.options.gates);
        let build = self.facts.builds.iter().find(|build| build.index == Some(self.index.oid));
        match (judged, build, self.suspicion()) {
            (_, Some(build), _) if !self.index.is_whole => {
                Why::BeingBuilt { who: describe(build) }.into()
            }
            _ if !self.index.is_live => Why::DropInterrupted.into(),
            _ if !self.index.is_whole => Why::Invalid.into(),
            (_, _, Some(suspicion)) => Why::Suspect { why: suspicion.why.clone(), size }.into(),
            _ if self.options.only_suspect && !self.options.only_needed => {
                Why::NotSuspect { size }.into()
            }
            (Judged::Bloated(_), _, _) => Why::Bloated { size }.into(),
            _ if !self.options.only_needed => Why::Asked { size }.into(),
            (Judged::Dense(_, density), _, _) => {
                Why::Dense { size, percent: format!("{:.0}", density.percent) }.into()
            }
            (Judged::NotKnown(why), _, _) => Why::NotKnown { size, why: why.to_string() }.into(),
            (Judged::Small | Judged::NotBloated(_), _, _) => Why::NotBloated { size }.into(),
        }
    }

    /// Why it cannot be done, though there is a reason to.
    fn refusal(&self, reason: &Reason) -> Option<Why> {
        let index = self.index;
        let why = reason.words.clone();
        if index.is_system {
            return Some(Why::System { index: index.name.clone() });
        }
        if !index.may_reindex {
            let owner = quote_ident(&index.owner);
            return Some(match self.options.version.major() >= 17 {
                true => Why::NotMaintainer { owner, why },
                false => Why::NotOwner { owner, why },
            });
        }
        let suspicion = self.suspicion();
        if let Some((why, version)) = suspicion.and_then(|it| Some((&it.why, it.update_to?))) {
            return Some(Why::UpdateFirst { why: why.clone(), version: version.to_string() });
        }
        if index.is_exclusion {
            return Some(Why::Exclusion { index: index.name.clone() });
        }
        let is_wrong = index.is_deferrable && self.options.version.rebuilds_deferrable_wrongly();
        is_wrong.then(|| Why::Deferrable { version: self.options.version.to_string() })
    }

    /// What an earlier rebuild has left goes first: it costs every write, and may reject rows.
    fn statements(&self) -> Vec<Statement> {
        let leftovers = self.leftovers.values().filter(|it| it.of.oid == self.index.oid);
        let mut left = leftovers.map(|it| &it.left.name).collect::<Vec<_>>();
        left.sort();
        let name = &self.index.name;
        let mut statements = left.into_iter().map(drop).collect::<Vec<_>>();
        statements.push(Statement::Alone(format!("REINDEX INDEX CONCURRENTLY {name}")));
        statements
    }

    fn urgency(&self, step: &Step) -> Urgency {
        let size = self.size_bytes().max(1);
        let fresh = step.estimated_bytes.unwrap_or(size);
        let saved = (size - fresh).max(0);
        let past = self.facts.past.get(&self.index.name.to_string());
        let rate = match step.usual_duration.filter(|usual| *usual > Duration::ZERO) {
            // As fast as 100 MiB/s, where nothing is known.
            None => saved.saturating_mul(100 << 20) / size,
            Some(usual) => {
                saved.saturating_mul(1000)
                    / i64::try_from(usual.as_millis().max(1)).unwrap_or(i64::MAX)
            }
        };
        Urgency {
            is_leftover: step.action == Action::DropLeftover,
            is_broken: !self.index.is_whole,
            was_left: past.is_some_and(|past| past.was_left),
            saved: rate,
        }
    }

    /// What could not be judged is no pass, where it is so large that it would matter.
    fn warning(&self, step: &Step) -> Option<Warning> {
        let is_btree = self.facts.bloat.get(&self.index.oid).is_some_and(|it| it.is_btree);
        let is_unknown = is_btree
            && step.verdict == Verdict::LeftOut
            && matches!(self.judge(), Judged::NotKnown(_));
        is_unknown.then(|| Warning {
            rule: "bloat-unknown",
            object: self.index.name.to_string(),
            message: step.reason.words.clone(),
        })
    }
}

/// Indexes worth a look at their leaves: those that the plan would rebuild because of their size alone.
pub fn to_confirm(plan: &Plan) -> Vec<Oid> {
    let bloated = plan
        .steps
        .iter()
        .filter(|step| step.verdict == Verdict::ToDo && step.reason.code == Code::Bloated);
    let oids = bloated.filter_map(|step| match &step.subject {
        Subject::Rebuild(rebuild) => Some(rebuild.index),
        _ => None,
    });
    oids.collect()
}

/// `1.2 GiB`, of a size in bytes.
fn size(bytes: i64) -> String {
    format::bytes(bytes)
}

#[cfg(test)]
mod tests;
