//! Planning on a twin: one EXPLAIN a question, and nothing is ever executed there.

use std::sync::atomic::Ordering;

use serde_json::Value;
use tokio_postgres::types::Type;

use super::build::{FORCE_GENERIC, Twin, execute, set_valid};
use super::ddl::qualified;
use super::statement::plannable;
use crate::facts::Oid;
use crate::facts::explain::{TableFacts, load_table_facts};
use crate::facts::load::ask;
use crate::failure::Result;
use crate::pg::name::{RelationName, quote_literal};
use crate::pg::server_error::ServerError;

/// A plan of PostgreSQL's, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub enum Planned {
    /// As `EXPLAIN (FORMAT JSON, VERBOSE)` prints it, and its total cost.
    Plan(Value, f64),
    /// It cannot be planned here, for this reason.
    Not(String),
}

impl Planned {
    pub fn cost(&self) -> Option<f64> {
        match self {
            Planned::Plan(_, cost) => Some(*cost),
            Planned::Not(_) => None,
        }
    }

    pub fn plan(&self) -> Option<&Value> {
        match self {
            Planned::Plan(plan, _) => Some(plan),
            Planned::Not(_) => None,
        }
    }
}

/// A statement that is planned again and again.
#[derive(Debug, Clone)]
pub struct TwinStatement {
    name: String,
    /// The types of its parameters, as format_type prints them.
    pub parameters: Vec<String>,
}

/// Whether a plan is made for the values of the parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PlanMode {
    Generic,
    Custom,
}

impl Twin {
    /// Parses a statement for planning. `Err`: why it cannot be planned.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn prepare(
        &self,
        name: &str,
        text: &str,
    ) -> Result<std::result::Result<TwinStatement, String>> {
        let text = match plannable(text) {
            Ok(text) => text,
            Err(reason) => return Ok(Err(reason)),
        };
        let name = format!("pgtend_{name}");
        // The extended protocol refuses a text that is two statements for the server.
        let prepared = self.planner.query(&format!("PREPARE {name} AS {text}"), &[]).await;
        if let Err(error) = prepared {
            return match error.sqlstate.is_none() {
                true => Err(error.into_failure()),
                false => Ok(Err(self.explained(&error))),
            };
        }
        let sql = include_str!("../../sql/twin-build/parameter_types.sql");
        let rows = ask(&self.planner, sql, &[(&name, Type::TEXT)]).await?;
        let parameters = rows.first().map(|row| row.get("types")).unwrap_or_default();
        Ok(Ok(TwinStatement { name, parameters }))
    }

    /// The plan that the statement gets whatever its parameters are.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn generic_plan(&self, statement: &TwinStatement) -> Result<Planned> {
        let nulls = vec![None; statement.parameters.len()];
        self.explain(statement, &nulls, PlanMode::Generic).await
    }

    /// The plan that the statement gets with these values of its parameters; `None`: NULL.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn custom_plan(
        &self,
        statement: &TwinStatement,
        values: &[Option<String>],
    ) -> Result<Planned> {
        self.explain(statement, values, PlanMode::Custom).await
    }

    async fn explain(
        &self,
        statement: &TwinStatement,
        values: &[Option<String>],
        mode: PlanMode,
    ) -> Result<Planned> {
        self.enter(mode).await?;
        // A literal without a type takes that of the parameter.
        let literal = |value: &Option<String>| {
            value.as_deref().map_or_else(|| "NULL".to_owned(), quote_literal)
        };
        let arguments = match values.is_empty() {
            true => String::new(),
            false => format!("({})", values.iter().map(literal).collect::<Vec<_>>().join(", ")),
        };
        let sql = format!("EXPLAIN (FORMAT JSON, VERBOSE) EXECUTE {}{arguments}", statement.name);
        match self.planner.query(&sql, &[]).await {
            // A JSON column is read as a text of its own.
            Ok(rows) => {
                let text = rows.first().map(|row| row.get::<_, String>(0)).unwrap_or_default();
                Ok(self.judged(read(&text)))
            }
            Err(error) if error.sqlstate.is_none() => Err(error.into_failure()),
            Err(error) => Ok(Planned::Not(self.explained(&error))),
        }
    }

    async fn enter(&self, mode: PlanMode) -> Result<()> {
        let is_custom = mode == PlanMode::Custom;
        if self.makes_custom_plans.load(Ordering::Relaxed) == is_custom {
            return Ok(());
        }
        execute(
            &self.planner,
            match mode {
                PlanMode::Generic => FORCE_GENERIC,
                PlanMode::Custom => "SET plan_cache_mode = force_custom_plan",
            },
        )
        .await?;
        self.makes_custom_plans.store(is_custom, Ordering::Relaxed);
        Ok(())
    }

    /// A plan that rests on PostgreSQL's defaults because statistics could not be read is none.
    fn judged(&self, planned: Planned) -> Planned {
        let hidden = planned.plan().and_then(|plan| self.hidden_in(plan));
        match hidden {
            Some((schema, name)) => {
                let table = qualified(schema, name);
                Planned::Not(format!(
                    "the statistics of {schema}.{name} may not be read (GRANT SELECT ON {table}, or \
                     pg_read_all_data)"
                ))
            }
            None => planned,
        }
    }

    fn hidden_in(&self, plan: &Value) -> Option<&(String, String)> {
        if self.hidden.is_empty() {
            return None;
        }
        match plan {
            Value::Array(all) => all.iter().find_map(|one| self.hidden_in(one)),
            Value::Object(fields) => {
                let text = |key: &str| fields.get(key).and_then(Value::as_str).map(str::to_owned);
                let here = text("Schema")
                    .zip(text("Relation Name"))
                    .and_then(|name| self.hidden.get(&name));
                let mut below = ["Plan", "Plans"].into_iter().filter_map(|key| fields.get(key));
                here.or_else(|| below.find_map(|below| self.hidden_in(below)))
            }
            _ => None,
        }
    }

    /// How large these tables are, and how much memory a sort may use: as the planner sees it.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn table_facts(&self, relations: &[RelationName]) -> Result<TableFacts> {
        load_table_facts(&self.planner, relations).await
    }

    /// Forgets a statement, whose name is free then.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn forget(&self, statement: &TwinStatement) -> Result<()> {
        let sql = format!("DEALLOCATE {}", statement.name);
        self.planner.execute(&sql).await.map_err(|error| error.into_failure())
    }

    /// What is missing here may be why.
    fn explained(&self, error: &ServerError) -> String {
        let is_undefined =
            matches!(error.sqlstate.as_deref(), Some("42P01" | "42883" | "42704" | "3F000"));
        match self.missing.first().filter(|_| is_undefined) {
            Some(missing) => format!("{error} (the twin lacks {missing})"),
            None => error.to_string(),
        }
    }

    /// Says which indexes the planner may use: `hidden` not, `shown` yes.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn toggle(&self, hidden: &[Oid], shown: &[Oid]) -> Result<()> {
        if !hidden.is_empty() {
            set_valid(&self.superuser, hidden, false).await?;
        }
        if !shown.is_empty() {
            set_valid(&self.superuser, shown, true).await?;
        }
        Ok(())
    }

    /// Changes a setting of the planning session.
    ///
    /// # Errors
    /// `Usage` where the server does not know it or refuses the value.
    pub async fn set(&self, name: &str, value: &str) -> Result<()> {
        let sql = format!(
            "SELECT pg_catalog.set_config({}, {}, false)",
            quote_literal(name),
            quote_literal(value)
        );
        self.planner
            .query(&sql, &[])
            .await
            .map(drop)
            .map_err(|error| match error.sqlstate {
                None => error.into_failure(),
                Some(_) => crate::failure::Failure::usage(format!("--set {name}={value}: {error}")),
            })
    }
}

fn read(text: &str) -> Planned {
    let plan = serde_json::from_str::<Value>(text);
    let cost = |plan: &Value| plan.pointer("/0/Plan/Total Cost").and_then(Value::as_f64);
    match plan.map(|plan| (cost(&plan), plan)) {
        Ok((Some(cost), plan)) => Planned::Plan(plan, cost),
        Ok((None, _)) => Planned::Not("it has no plan".to_owned()),
        Err(error) => Planned::Not(format!("its plan cannot be read: {error}")),
    }
}
