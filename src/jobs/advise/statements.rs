//! The statements of the workload as they are planned: for any value of their parameters, and for
//! examples.

use std::collections::{BTreeSet, HashMap};

use super::oracle::Shown;
use super::search::SearchedStatement;
use super::shape::IndexShape;
use super::skewed::{SkewedColumn, but_for_common, skewed_columns};
use crate::app::custom_plans::{CustomCosts, ExampleValues, example_values};
use crate::cancel::Cancel;
use crate::failure::Result;
use crate::twin::workload::WorkloadStatement;
use crate::twin::{Candidate, Planned, Twin, TwinStatement, TwinValues, Wish, differ};
use crate::work::explained;

pub type Table = (String, String);

/// A statement on its way through the search.
#[derive(Debug)]
pub struct Weighed {
    pub prepared: TwinStatement,
    /// What it is worth: its time, or 1 where no times are known.
    pub weight: f64,
    /// The mean of what it costs with the examples; with any value where there are none.
    pub cost: f64,
    /// The same as the search counts it.
    pub careful_cost: f64,
    pub examples: Vec<Example>,
    /// Those of the examples that are planned differently; one where it has no parameters.
    pub ways: Vec<Way>,
    /// Candidates that begin with what it asks for.
    pub relevant: BTreeSet<usize>,
    /// With all of these by the planner, which chooses by that: the search counts no less with any of them.
    /// `None`: not known.
    pub cost_with_all: Option<f64>,
}

/// Values of the parameters, and what the statement costs with them today.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    pub values: ExampleValues,
    pub cost: f64,
    pub careful_cost: f64,
}

/// How a statement is planned.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// `None`: for any value.
    pub values: Option<Vec<Option<String>>>,
    /// How much of the statement's executions it stands for.
    pub share: f64,
    /// Today, as the search counts it.
    pub careful_cost: f64,
}

/// In one of so many cases the rows that a LIMIT wants stand at the far end of an index. So an index that has
/// them together is worth more than one in which they may stand anywhere, even where the planner takes
/// both for equal.
const HOPES: f64 = 50.0;

/// The cost of a plan as the search counts it.
fn careful_cost(planned: &Planned, twin: &Twin) -> Option<f64> {
    match planned {
        Planned::Plan(plan, cost) => {
            Some(cost + explained::hoped_cost(plan, |table| twin.rows_of(table)) / HOPES)
        }
        Planned::Not(_) => None,
    }
}

/// Plans of a statement with the indexes that are visible.
#[derive(Debug)]
pub struct PlansNow {
    pub generic: Planned,
    /// In the order of the examples.
    pub custom: Vec<Planned>,
}

impl Weighed {
    fn of(prepared: TwinStatement, weight: f64, cost: f64, careful_cost: f64) -> Self {
        let way = Way { values: None, share: 1.0, careful_cost };
        Weighed {
            prepared,
            weight,
            cost,
            careful_cost,
            examples: Vec::new(),
            ways: vec![way],
            relevant: BTreeSet::new(),
            cost_with_all: None,
        }
    }

    /// Each of the examples counts the same.
    fn set_examples(&mut self, examples: Vec<Example>) {
        let count = u32::try_from(examples.len()).unwrap_or(u32::MAX);
        if count == 0 {
            return;
        }
        let share = 1.0 / f64::from(count);
        let way = |example: &Example| Way {
            values: Some(example.values.values.clone()),
            share,
            careful_cost: example.careful_cost,
        };
        self.ways = examples.iter().map(way).collect();
        self.cost = examples.iter().map(|example| share * example.cost).sum();
        self.careful_cost = examples.iter().map(|example| share * example.careful_cost).sum();
        self.examples = examples;
    }

    /// Examples that cost the same, today and with all candidates, need not be asked about twice.
    fn merge_ways(&mut self, with_all: &[f64]) {
        let mut kept: Vec<(Way, f64)> = Vec::new();
        for (way, then) in self.ways.drain(..).zip(with_all) {
            let same = kept.iter_mut().find(|(known, known_then)| {
                !differ(known.careful_cost, way.careful_cost) && !differ(*known_then, *then)
            });
            match same {
                Some((known, _)) => known.share += way.share,
                None => kept.push((way, *then)),
            }
        }
        self.ways = kept.into_iter().map(|(way, _)| way).collect();
    }

    /// The mean of what it costs with the indexes that are visible, as the search counts it.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn careful_cost_now(&self, twin: &Twin) -> Result<f64> {
        let plans = self.plans_of_ways(twin).await?;
        Ok(self.mean(&plans, |planned| careful_cost(planned, twin)))
    }

    /// The mean of what the planner says it costs with the indexes that are visible, and the names of those
    /// that its plans read.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn planner_cost_now(&self, twin: &Twin) -> Result<(f64, BTreeSet<String>)> {
        let plans = self.plans_of_ways(twin).await?;
        Ok((self.mean(&plans, Planned::cost), indexes_of(&plans)))
    }

    /// Its plan in each of its ways.
    async fn plans_of_ways(&self, twin: &Twin) -> Result<Vec<Planned>> {
        let mut plans = Vec::new();
        for way in &self.ways {
            plans.push(match &way.values {
                Some(values) => twin.custom_plan(&self.prepared, values).await?,
                None => twin.generic_plan(&self.prepared).await?,
            });
        }
        Ok(plans)
    }

    /// Over its ways; one that cannot be planned costs what it does today.
    fn mean(&self, plans: &[Planned], cost: impl Fn(&Planned) -> Option<f64>) -> f64 {
        let ways = self.ways.iter().zip(plans);
        ways.map(|(way, planned)| way.share * cost(planned).unwrap_or(way.careful_cost))
            .sum()
    }

    /// All of its plans with the indexes that are visible.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn plans_now(&self, twin: &Twin) -> Result<PlansNow> {
        let generic = twin.generic_plan(&self.prepared).await?;
        let mut custom = Vec::new();
        for example in &self.examples {
            custom.push(twin.custom_plan(&self.prepared, &example.values.values).await?);
        }
        Ok(PlansNow { generic, custom })
    }
}

impl PlansNow {
    /// What the statement costs: as `Weighed::cost`.
    pub fn cost(&self) -> Option<f64> {
        let count = u32::try_from(self.custom.len()).unwrap_or(u32::MAX);
        match count {
            0 => self.generic.cost(),
            count => {
                let costs = self.custom.iter().map(Planned::cost).sum::<Option<f64>>();
                costs.map(|sum| sum / f64::from(count))
            }
        }
    }

    /// The names of the indexes that those read by which the statement is weighed.
    pub fn indexes(&self) -> BTreeSet<String> {
        let plans = match self.custom.is_empty() {
            true => std::slice::from_ref(&self.generic),
            false => &self.custom,
        };
        indexes_of(plans)
    }

    /// For the report.
    pub fn custom_costs(&self, before: &[Example]) -> Vec<CustomCosts> {
        let costs = before.iter().zip(&self.custom).map(|(example, after)| CustomCosts {
            value: example.values.value,
            before: example.cost,
            after: after.cost(),
        });
        costs.collect()
    }
}

/// The names of the indexes that these read.
fn indexes_of(plans: &[Planned]) -> BTreeSet<String> {
    let plans = plans.iter().filter_map(Planned::plan);
    plans.flat_map(explained::indexes).map(|index| index.name).collect()
}

/// A table and what an index on it begins with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Beginning(Table, String);

impl Beginning {
    fn of(candidate: &Candidate) -> Self {
        let shape = IndexShape::read(&candidate.definition);
        Beginning(table_of(candidate), shape.leading().to_owned())
    }
}

/// The statements that can be planned, and where each stands in the workload.
#[derive(Default)]
pub struct JudgedStatements {
    pub places: Vec<usize>,
    pub weighed: Vec<Weighed>,
    pub tables: Vec<BTreeSet<Table>>,
    /// What the candidates begin with that each has asked for.
    beginnings: Vec<BTreeSet<Beginning>>,
    /// By place in the workload: why not.
    pub refused: HashMap<usize, String>,
    /// For any value of the parameters.
    pub plans: Vec<Planned>,
}

impl JudgedStatements {
    /// Plans each of them.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn judge(
        twin: &Twin,
        statements: &[WorkloadStatement],
        known: &TwinValues<'_>,
    ) -> Result<Self> {
        let mut judged = JudgedStatements::default();
        for (place, statement) in statements.iter().enumerate() {
            if let Err(reason) = judged.add(twin, place, statement, known).await? {
                judged.refused.insert(place, reason);
            }
        }
        judged.weigh_key_checks(statements);
        Ok(judged)
    }

    async fn add(
        &mut self,
        twin: &Twin,
        place: usize,
        statement: &WorkloadStatement,
        known: &TwinValues<'_>,
    ) -> Result<std::result::Result<(), String>> {
        let prepared = match twin.prepare(&format!("s{place}"), &statement.text).await? {
            Ok(prepared) => prepared,
            Err(reason) => return Ok(Err(reason)),
        };
        let planned = twin.generic_plan(&prepared).await?;
        let (plan, cost) = match &planned {
            Planned::Plan(plan, cost) => (plan, *cost),
            Planned::Not(reason) => return Ok(Err(reason.clone())),
        };
        let tables = tables_of(plan, twin);
        if tables.is_empty() {
            return Ok(Err("it reads no table of this database".to_owned()));
        }
        let weight = statement.total_ms.unwrap_or(1.0);
        let careful = careful_cost(&planned, twin).unwrap_or(cost);
        let mut weighed = Weighed::of(prepared, weight, cost, careful);
        let values = example_values(plan, &weighed.prepared.parameters, known);
        weighed.set_examples(examples(twin, &weighed.prepared, values).await?);
        self.places.push(place);
        self.tables.push(tables);
        self.weighed.push(weighed);
        self.plans.push(planned);
        Ok(Ok(()))
    }

    /// Nobody measures how long PostgreSQL looks for the rows of a foreign key: it takes what the
    /// other statements take at its cost. Where none was measured, it counts as one of them.
    fn weigh_key_checks(&mut self, statements: &[WorkloadStatement]) {
        let of = |place: &usize| &statements[*place];
        let (mut ms, mut cost) = (0.0, 0.0);
        for (place, weighed) in self.places.iter().zip(&self.weighed) {
            if let Some(total_ms) = of(place).total_ms {
                ms += total_ms;
                cost += weighed.cost * of(place).calls;
            }
        }
        if cost <= 0.0 {
            return;
        }
        for (place, weighed) in self.places.iter().zip(&mut self.weighed) {
            if of(place).is_key_check {
                weighed.weight = ms / cost * weighed.cost * of(place).calls;
            }
        }
    }

    /// As the search knows them.
    pub fn searched(&self) -> Vec<SearchedStatement> {
        let searched = self.weighed.iter().map(|weighed| SearchedStatement {
            weight: weighed.weight,
            cost: weighed.careful_cost,
            planner_cost: weighed.cost,
            relevant: weighed.relevant.clone(),
            cost_with_all: weighed.cost_with_all,
        });
        searched.collect()
    }

    /// Tells which candidates each statement has asked for.
    pub fn wish(&mut self, tried: &[Candidate], own: impl Iterator<Item = Vec<usize>>) {
        let beginnings =
            own.map(|own| own.into_iter().map(|at| Beginning::of(&tried[at])).collect());
        self.beginnings = beginnings.collect();
    }

    /// Which candidates concern which statement: those that begin as one that it has asked for. The others on its
    /// tables begin with what it does not look for, and to plan a join of many tables takes long.
    pub fn relate(&mut self, tried: &[Candidate]) {
        let mut begun: HashMap<Beginning, Vec<usize>> = HashMap::new();
        for (at, candidate) in tried.iter().enumerate() {
            begun.entry(Beginning::of(candidate)).or_default().push(at);
        }
        for (weighed, own) in self.weighed.iter_mut().zip(&self.beginnings) {
            let so_begun = own.iter().filter_map(|beginning| begun.get(beginning));
            let relevant = so_begun.flatten().copied().collect();
            if weighed.relevant != relevant {
                weighed.relevant = relevant;
                weighed.cost_with_all = None;
            }
        }
    }

    /// Plans each way with all candidates: what can be saved, which examples differ, and where only rare
    /// values of a column gain, which indexes without its common value are worth a try. A signal ends it early.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn compare_examples(
        &mut self,
        twin: &Twin,
        tried: &[Candidate],
        known: &TwinValues<'_>,
        cancel: &Cancel,
    ) -> Result<Vec<Wish>> {
        let mut wishes = Vec::new();
        let mut shown = Shown::default();
        for (weighed, generic) in self.weighed.iter_mut().zip(&self.plans) {
            if cancel.signal().is_some() {
                break;
            }
            if weighed.relevant.is_empty() {
                continue;
            }
            shown.change(twin, tried, &weighed.relevant).await?;
            let plans = weighed.plans_of_ways(twin).await?;
            weighed.cost_with_all = Some(weighed.mean(&plans, Planned::cost));
            let ways = weighed.ways.iter().zip(&plans);
            let costs = ways
                .map(|(way, planned)| careful_cost(planned, twin).unwrap_or(way.careful_cost))
                .collect::<Vec<_>>();
            if weighed.ways.len() < 2 {
                continue;
            }
            let gains = |at: usize| gains(weighed.ways[at].careful_cost, costs[at]);
            let last = weighed.ways.len() - 1;
            if let (Some(rare), Some(generic), false, true) =
                (plans[last].plan(), generic.plan(), gains(0), gains(last))
            {
                let skewed = skewed_columns(generic, known);
                let of_it = weighed.relevant.iter().map(|at| &tried[*at]);
                wishes.extend(without_common(twin, rare, &skewed, of_it));
            }
            weighed.merge_ways(&costs);
        }
        shown.change(twin, tried, &BTreeSet::new()).await?;
        Ok(wishes)
    }
}

/// A statement has to save this share of its cost, or an index does not serve it.
pub const OF_STATEMENT: f64 = 0.1;

/// Whether a statement saves enough to be served.
pub fn gains(before: f64, after: f64) -> bool {
    before - after >= before * OF_STATEMENT
}

async fn examples(
    twin: &Twin,
    prepared: &TwinStatement,
    values: std::result::Result<Vec<ExampleValues>, String>,
) -> Result<Vec<Example>> {
    let mut examples = Vec::new();
    for values in values.unwrap_or_default() {
        // One that cannot be planned is no measure for the others.
        let planned = twin.custom_plan(prepared, &values.values).await?;
        match (planned.cost(), careful_cost(&planned, twin)) {
            (Some(cost), Some(careful_cost)) => {
                examples.push(Example { values, cost, careful_cost });
            }
            _ => return Ok(Vec::new()),
        }
    }
    Ok(examples)
}

/// The candidates that a plan with a rare value reads, without the column's common value.
fn without_common<'c>(
    twin: &Twin,
    plan: &serde_json::Value,
    skewed: &[SkewedColumn],
    candidates: impl Iterator<Item = &'c Candidate>,
) -> Vec<Wish> {
    let read = explained::indexes(plan);
    let mut wishes = Vec::new();
    for candidate in candidates {
        if !read.iter().any(|index| candidate.names.contains(&index.name)) {
            continue;
        }
        for column in skewed {
            let schema = column.table.schema.clone().unwrap_or_default();
            let above = twin.with_parents((schema, column.table.name.clone()));
            if above.contains(&table_of(candidate)) {
                wishes.extend(but_for_common(candidate, column));
            }
        }
    }
    wishes
}

/// The table of a candidate.
pub fn table_of(candidate: &Candidate) -> Table {
    (candidate.table.schema.clone().unwrap_or_default(), candidate.table.name.clone())
}

/// The tables of a plan, each with the partitioned table above it.
fn tables_of(plan: &serde_json::Value, twin: &Twin) -> BTreeSet<Table> {
    let relations = explained::relations(plan).into_iter();
    let names = relations.filter_map(|name| Some((name.schema?, name.name)));
    names.flat_map(|name| twin.with_parents(name)).collect()
}
