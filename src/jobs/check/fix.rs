//! `--fix`: what of the findings pgtend can mend without harm, done by the engines of `vacuum` and `reindex`.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::app::Context;
use crate::app::execute::Limits;
use crate::config::ReindexConfig;
use crate::facts::reindex::{self, load_reindexable};
use crate::facts::{TableMaintenance, load_table_maintenance};
use crate::failure::{Failure, Result};
use crate::findings::{Finding, Rule};
use crate::pg::advisory::{ExclusiveJob, RunLock};
use crate::pg::database::Database;
use crate::pg::name::RelationName;
use crate::pg::name_pattern::NamePattern;
use crate::pg::session::Session;
use crate::work::circumstances::require_sound;
use crate::work::event::{Executed, StepOutcome};
use crate::work::maintenance::plan::{
    self as maintenance, Sieve, TableSelection, TablesWanted, VacuumOptions,
};
use crate::work::maintenance::{Idle, MaintenanceRun};
use crate::work::plan::{Action, Plan, Step};
use crate::work::reindex::plan::{self as rebuild, Gates};
use crate::work::reindex::{Reindexing, load_plan};
use crate::work::{Execution, Policy};

/// What is to be mended: objects as the server quotes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Tables to vacuum, and to analyze where that is due.
    vacuum: BTreeSet<String>,
    /// Tables to analyze.
    analyze: BTreeSet<String>,
    /// Invalid and bloated indexes.
    rebuild: BTreeSet<String>,
    /// What rebuilds have left behind.
    leftovers: BTreeSet<String>,
}

/// An ANALYZE of the table that is found puts it right.
const ANALYZED: [Rule; 4] = [
    Rule::NEVER_ANALYZED,
    Rule::ANALYZE_STALE,
    Rule::PARENT_WITHOUT_STATISTICS,
    Rule::VIEW_WITHOUT_STATISTICS,
];

impl Wishes {
    /// What pgtend can do about the findings; the rest takes a decision of somebody's.
    pub fn of(findings: &[Finding]) -> Self {
        let mut wishes = Wishes::default();
        for finding in findings {
            let is_any = |rules: &[Rule]| rules.iter().any(|rule| finding.is(rule));
            let list = if is_any(&[Rule::AUTOVACUUM_BEHIND, Rule::TOAST_DEAD]) {
                &mut wishes.vacuum
            } else if is_any(&ANALYZED) {
                &mut wishes.analyze
            } else if finding.is(&Rule::INDEX_LEFTOVER) {
                &mut wishes.leftovers
            } else if is_any(&[Rule::INVALID_INDEX, Rule::INDEX_BLOAT]) && finding.command.is_some()
            {
                // An invalid one of a partitioned table takes an index on each partition.
                &mut wishes.rebuild
            } else {
                continue;
            };
            list.extend(finding.object.clone());
        }
        wishes
    }

    fn is_empty(&self) -> bool {
        *self == Wishes::default()
    }
}

/// What would be done.
#[derive(Default)]
pub struct Fixes {
    maintenance: Vec<Maintenance>,
    rebuilds: Plan,
}

/// VACUUM or ANALYZE of tables, and how these were before.
struct Maintenance {
    plan: Plan,
    before: TableMaintenance,
}

impl Fixes {
    /// Looks at what is to be mended, and plans.
    ///
    /// # Errors
    /// Those of the connection and of the planners.
    pub async fn plan(context: &Context, database: &Database, wishes: &Wishes) -> Result<Self> {
        let mut fixes = Fixes::default();
        if wishes.is_empty() {
            return Ok(fixes);
        }
        let session = database.reader().await?;
        let vacuum = maintenance::TableJob::Vacuum { analyze: true };
        for (job, tables) in
            [(vacuum, &wishes.vacuum), (maintenance::TableJob::Analyze, &wishes.analyze)]
        {
            if !tables.is_empty() {
                let wanted = patterns(tables)?;
                fixes.maintenance.push(maintained(&session, database, job, &wanted).await?);
            }
        }
        if !(wishes.rebuild.is_empty() && wishes.leftovers.is_empty()) {
            fixes.rebuilds = rebuilds(&session, context, database, wishes).await?;
        }
        Ok(fixes)
    }

    pub fn has_work(&self) -> bool {
        self.maintenance.iter().any(|it| it.plan.has_work()) || self.rebuilds.has_work()
    }

    /// All steps, in the order in which they are done.
    pub fn all(&self) -> Plan {
        let mut all = Plan::default();
        for plan in self.maintenance.iter().map(|it| &it.plan).chain([&self.rebuilds]) {
            all.steps.extend(plan.steps.iter().cloned());
            all.warnings.extend(plan.warnings.iter().cloned());
        }
        all
    }

    /// Executes them.
    ///
    /// # Errors
    /// Whatever keeps it from beginning, such as a run of `reindex` that holds the lock.
    pub async fn run(self, context: &Context, database: &Database) -> Result<Executed> {
        let lock = match self.rebuilds.has_work() {
            true => {
                require_sound(database)?;
                let taking = RunLock::take(database, ExclusiveJob::Reindex, Duration::ZERO);
                Some(context.unless_cancelled(taking).await?)
            }
            false => None,
        };
        let mut all = Executed::new(Plan::default(), Vec::new());
        for maintenance in self.maintenance {
            all = together(all, maintenance.run(context, database).await?);
        }
        let Some(lock) = lock else {
            return Ok(all);
        };
        let run = async |execution: Execution<'_>, plan: &Plan| -> Result<Vec<StepOutcome>> {
            Ok(Reindexing::new(execution, &lock).run(plan).await)
        };
        let rebuilt = context.execute(database, self.rebuilds, limits(context), run).await?;
        Ok(together(all, rebuilt))
    }
}

impl Maintenance {
    async fn run(self, context: &Context, database: &Database) -> Result<Executed> {
        let Maintenance { plan, before } = self;
        let run = async |execution: Execution<'_>, plan: &Plan| -> Result<Vec<StepOutcome>> {
            let run = MaintenanceRun {
                execution,
                skips_locked: false,
                ends_with_database_statistics: database.server.version.has_vacuum_options_of_16(),
                before: &before,
                idle: Idle::default(),
            };
            Ok(run.run(plan).await)
        };
        context.execute(database, plan, limits(context), run).await
    }
}

fn together(mut first: Executed, second: Executed) -> Executed {
    first.steps.extend(second.steps);
    first.warnings.extend(second.warnings);
    first.not_due += second.not_due;
    first.took += second.took;
    first
}

fn limits(context: &Context) -> Limits {
    let waits = &context.config.apply;
    let policy = Policy {
        max_wait: waits.max_wait,
        max_blocker_age: waits.max_blocker_age,
        max_replica_lag: waits.max_replica_lag,
        ..Policy::default()
    };
    Limits { policy, deadline: None, schema: None, trouble: None }
}

async fn maintained(
    session: &Session,
    database: &Database,
    job: maintenance::TableJob,
    wanted: &[NamePattern],
) -> Result<Maintenance> {
    let mut options = maintenance::MaintenanceOptions {
        job,
        selection: selection(wanted),
        only_needed: false,
        threshold: 1.0,
        exclude: Vec::new(),
        schemas: Vec::new(),
        vacuum: VacuumOptions::default(),
        version: database.server.version,
    };
    let before = {
        let mut sieve = Sieve::new(&options, 0);
        let keeps = |settings: &_, table: &_| sieve.keeps(settings, table);
        load_table_maintenance(session, &database.server, Vec::new(), keeps).await?
    };
    let names = before.tables.iter().map(|table| &table.name).collect::<Vec<_>>();
    options.selection = selection(&still_there(wanted, &names));
    Ok(Maintenance { plan: maintenance::plan(&before, &options)?, before })
}

async fn rebuilds(
    session: &Session,
    context: &Context,
    database: &Database,
    wishes: &Wishes,
) -> Result<Plan> {
    let facts = reindex::Facts {
        indexes: load_reindexable(session, &database.server).await?,
        ..reindex::Facts::default()
    };
    let names = facts.indexes.iter().map(|index| &index.name).collect::<Vec<_>>();
    let leftovers = still_there(&patterns(&wishes.leftovers)?, &names);
    let rebuilt = still_there(&patterns(&wishes.rebuild)?, &names);
    let indexes = [rebuilt, leftovers.clone()].concat();
    if indexes.is_empty() {
        return Ok(Plan::default());
    }
    let ReindexConfig { min_bloat, min_size, .. } = context.config.reindex;
    let options = rebuild::Options {
        indexes,
        tables: Vec::new(),
        schemas: Vec::new(),
        exclude: Vec::new(),
        // What somebody has repaired meanwhile is left as it is.
        only_needed: true,
        only_suspect: false,
        gates: Gates { min_bloat, min_saved: min_size },
        version: database.server.version,
    };
    let (_, mut plan) = load_plan(session, &database.server, facts, &options).await?;
    // Of what index it was is not known; that nobody wants it is a guess.
    let is_guess = |step: &Step| {
        step.action == Action::Reindex && leftovers.iter().any(|it| it.matches(&step.object, true))
    };
    plan.steps.retain(|step| !is_guess(step));
    Ok(plan)
}

fn selection(tables: &[NamePattern]) -> TableSelection {
    let wanted =
        |pattern: &NamePattern| TablesWanted { pattern: pattern.clone(), columns: Vec::new() };
    TableSelection::Matching(tables.iter().map(wanted).collect())
}

/// What the server has quoted can be read again.
fn patterns(names: &BTreeSet<String>) -> Result<Vec<NamePattern>> {
    names
        .iter()
        .map(|name| NamePattern::parse(name).map_err(Failure::usage))
        .collect()
}

/// Those of them that somebody has not dropped meanwhile.
fn still_there(wanted: &[NamePattern], names: &[&RelationName]) -> Vec<NamePattern> {
    let is_there = |it: &&NamePattern| names.iter().any(|name| it.matches(name, true));
    wanted.iter().filter(is_there).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_safe_is_mended_and_nothing_else() {
        let found = |rule: &Rule| Finding::new(rule, None, "").about(&"public.a");
        let findings = [
            found(&Rule::AUTOVACUUM_BEHIND),
            found(&Rule::TOAST_DEAD),
            found(&Rule::INVALID_INDEX).command("pgtend reindex"),
            found(&Rule::INDEX_LEFTOVER),
            found(&Rule::ANALYZE_STALE),
            found(&Rule::INVALID_INDEX).about(&"public.partitioned"),
            found(&Rule::DUPLICATE_INDEX),
            found(&Rule::UNUSED_INDEX),
            Finding::new(&Rule::AUTOVACUUM_BEHIND, None, ""),
        ];
        let only_a = || BTreeSet::from(["public.a".to_owned()]);
        let expected = Wishes {
            vacuum: only_a(),
            analyze: only_a(),
            rebuild: only_a(),
            leftovers: only_a(),
        };
        assert_eq!(Wishes::of(&findings), expected);
    }
}
