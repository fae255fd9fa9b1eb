//! What the report says of a choice.

use std::collections::HashMap;

use super::names::index_name;
use super::report::{Advice, ServedStatement, Shown};
use super::search::Choice;
use super::shape::IndexShape;
use super::statements::{JudgedStatements, PlansNow, Weighed, gains, table_of};
use super::statistics::{MissingStatistics, missing_statistics};
use super::unhelped::{NoHelp, reasons};
use super::unneeded::Unneeded;
use super::writes::WriteCost;
use crate::app::custom_plans::{CustomCosts, ParameterValue};
use crate::failure::Result;
use crate::twin::data::{TwinData, TwinIndex};
use crate::twin::workload::WorkloadStatement;
use crate::twin::{Candidate, PlanVerdict, Planned, Twin};
use crate::work::explained;

/// Of a workload's time, or of its cost where no times are known: a statement of less is not dear.
const DEAR: f64 = 0.02;
/// And one of so little cost is not, whatever its share is.
const LEAST_COST: f64 = 100.0;

/// A choice and all that it rests on.
pub struct Chosen<'a> {
    pub data: &'a TwinData,
    pub statements: &'a [WorkloadStatement],
    pub judged: &'a JudgedStatements,
    pub tried: &'a [Candidate],
    /// Of each candidate.
    pub writes: &'a [WriteCost],
    pub choice: &'a Choice,
    /// Of each judged statement, with what was chosen.
    pub after: &'a [PlansNow],
    /// Whether the workload's times are known.
    pub is_timed: bool,
}

impl Chosen<'_> {
    /// For the dear statements that no index makes cheaper, by their place: why, and what would.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn no_help(&self, twin: &Twin) -> Result<Vec<(usize, Vec<NoHelp>)>> {
        let worth = |weighed: &Weighed| if self.is_timed { weighed.weight } else { weighed.cost };
        let whole = self.judged.weighed.iter().map(worth).sum::<f64>();
        let mut extensions = self.data.extensions.iter();
        let has_trigrams = extensions.any(|extension| extension.name == "pg_trgm");
        let judged = self.judged.places.iter().zip(&self.judged.weighed).zip(self.after);
        let mut found = Vec::new();
        for ((place, weighed), after) in judged {
            let statement = &self.statements[*place];
            let is_dear = worth(weighed) >= whole * DEAR && weighed.cost >= LEAST_COST;
            let verdict = PlanVerdict::of(Some(weighed.cost), after.cost());
            let Some(plan) = after.generic.plan() else {
                continue;
            };
            if is_dear && verdict == PlanVerdict::Same && !statement.is_key_check {
                let facts = twin.table_facts(&explained::relations(plan)).await?;
                found.push((*place, reasons(statement, plan, &facts, has_trigrams)));
            }
        }
        Ok(found)
    }

    /// Extended statistics that would mend estimates, each once.
    pub fn missing_statistics(&self) -> Vec<MissingStatistics> {
        let mut found: Vec<MissingStatistics> = Vec::new();
        for (place, after) in self.judged.places.iter().zip(self.after) {
            let statement = &self.statements[*place];
            let plans = after.custom.iter().chain([&after.generic]).filter_map(Planned::plan);
            let Some(rows) = statement.rows_per_call() else {
                continue;
            };
            let missing = missing_statistics(self.data, &statement.name, rows, plans);
            let is_new = |one: &MissingStatistics| {
                !found
                    .iter()
                    .any(|known| known.table == one.table && known.columns == one.columns)
            };
            if let Some(missing) = missing.filter(is_new) {
                found.push(missing);
            }
        }
        found
    }

    /// All statements of the workload.
    pub fn shown(&self, no_help: Vec<(usize, Vec<NoHelp>)>) -> Vec<Shown> {
        let places = self.judged.places.iter().enumerate();
        let judged_at = places.map(|(at, place)| (*place, at)).collect::<HashMap<_, _>>();
        let mut no_help = no_help.into_iter().collect::<HashMap<_, _>>();
        let show = self.statements.iter().enumerate().map(|(place, statement)| {
            let judged =
                judged_at.get(&place).map(|at| (&self.judged.weighed[*at], &self.after[*at]));
            let custom = judged.map(|(weighed, after)| after.custom_costs(&weighed.examples));
            Shown {
                statement: statement.clone(),
                weight: judged.map_or(0.0, |(weighed, _)| weighed.weight),
                before: judged.map(|(weighed, _)| weighed.cost),
                after: judged.and_then(|(_, after)| after.cost()),
                uses: judged.map(|(_, after)| self.used(after)).unwrap_or_default(),
                custom: custom.unwrap_or_default(),
                refused: self.judged.refused.get(&place).cloned(),
                no_help: no_help.remove(&place).unwrap_or_default(),
            }
        });
        show.collect()
    }

    /// Which of the chosen candidates these plans read.
    fn used(&self, after: &PlansNow) -> Vec<usize> {
        let indexes = after.indexes();
        let is_used = |at: &&usize| self.tried[**at].is_among(&indexes);
        self.choice.chosen.iter().filter(is_used).copied().collect()
    }

    /// The chosen candidates, named.
    pub fn advice(&self, shown: &[Shown]) -> Vec<Advice> {
        let existing = self.data.indexes.iter();
        let mut taken = existing.map(|index| index.name.clone()).collect::<Vec<_>>();
        let mut advice = Vec::new();
        for at in &self.choice.chosen {
            let candidate = self.tried[*at].clone();
            let name = index_name(&candidate.table.name, &candidate.definition, &taken);
            taken.push(name.clone());
            let (serves, writes) = (served(shown, *at), self.writes[*at]);
            advice.push(Advice { name, candidate, serves, writes });
        }
        advice
    }

    /// With the advised index that makes an existing one superfluous.
    pub fn covered(&self, unneeded: Vec<Unneeded>, advice: &[Advice]) -> Vec<Unneeded> {
        let covers = |unneeded: &Unneeded| {
            let is_it =
                |index: &&TwinIndex| index.schema == unneeded.schema && index.name == unneeded.name;
            let index = self.data.indexes.iter().find(is_it)?;
            let shape = IndexShape::read(&index.behind_using());
            let table = (index.schema.clone(), index.table.clone());
            let mut on_it = advice.iter().filter(|advice| table_of(&advice.candidate) == table);
            on_it.find(|advice| IndexShape::read(&advice.candidate.definition).extends(&shape))
        };
        let with = unneeded.into_iter().map(|unneeded| Unneeded {
            covered_by: covers(&unneeded).map(|advice| advice.name.clone()),
            ..unneeded
        });
        with.collect()
    }
}

/// Which values alone gain, where others do not.
fn helped_alone(custom: &[CustomCosts]) -> Vec<ParameterValue> {
    let is_helped =
        |costs: &&CustomCosts| costs.after.is_some_and(|after| gains(costs.before, after));
    let helped = custom.iter().filter(is_helped).map(|costs| costs.value).collect::<Vec<_>>();
    match helped.len() == custom.len() {
        true => Vec::new(),
        false => helped,
    }
}

fn served(shown: &[Shown], candidate: usize) -> Vec<ServedStatement> {
    let of = shown.iter().filter(|shown| shown.uses.contains(&candidate));
    let served = of.filter_map(|shown| {
        Some(ServedStatement {
            name: shown.statement.name.clone(),
            queryid: shown.statement.queryid,
            query: shown.statement.text.clone(),
            cost_before: shown.before?,
            cost_after: shown.after?,
            weight: shown.weight,
            helps: helped_alone(&shown.custom),
            custom_plans: shown.custom.clone(),
        })
    });
    served.collect()
}
