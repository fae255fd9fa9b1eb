//! `pgtend what-if`.

mod plan;
mod report;
mod run;

use std::path::Path;

use crate::app::Context;
use crate::app::choice::Whole;
use crate::app::command::{Command, OnSignal};
use crate::app::manual::Example;
use crate::app::planner_twin::{Named, TwinOptions};
use crate::failure::{Failure, Result};
use crate::output::{Format, Report};
use crate::pg::name::RelationName;
use crate::twin::Wish;
use crate::twin::wishes;
use crate::twin::workload::{self, StatementsWanted, WorkloadStatement};

/// Show how statements are planned, today and after a change, without touching production
///
/// Plans on a twin: a throwaway server on this machine that has the schema, the statistics and files
/// of production's lengths, but no row. PostgreSQL's own planner there says what it would say in
/// production, also with indexes that are not there, without one, with other settings, or in the next
/// major version. From production only the catalog is read, and the ends of indexed columns; nothing
/// is created there and no statement is executed.
///
/// Without a change it shows the plans of today. Without a statement it takes the costliest ones of
/// pg_stat_statements. The twin needs the server programs of production's major version here.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Statements: SQL, a file or folder of SQL files, or the number of a statement in
    /// pg_stat_statements
    #[arg(value_name = "SQL|FILE|QUERYID", allow_negative_numbers = true)]
    pub statements: Vec<String>,

    /// Plan with this index: 'CREATE INDEX …', or a file of declarations; repeatable
    #[arg(long, value_name = "INDEX|FILE")]
    pub add: Vec<String>,

    /// Plan without this index; repeatable
    #[arg(long, value_name = "INDEX")]
    pub hide: Vec<String>,

    /// Plan with this setting: random_page_cost=1.1; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    pub set: Vec<(String, String)>,

    /// Plan with this major version of PostgreSQL, for what an upgrade changes
    #[arg(long, value_name = "MAJOR", value_parser = Whole::<u32>::new(14, 99))]
    pub pg: Option<u32>,

    /// Number of statements of pg_stat_statements
    #[arg(long, value_name = "N", default_value_t = 20,
        value_parser = Whole::<usize>::new(1, 100_000))]
    pub limit: usize,

    #[command(flatten)]
    pub twin: TwinOptions,
}

fn setting(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("expected NAME=VALUE, such as random_page_cost=1.1".to_owned()),
    }
}

impl Command for Args {
    const NAME: &'static str = "what-if";
    const EXAMPLES: &'static [Example] = &[
        (
            "pgtend what-if 'SELECT * FROM sales WHERE user_id = 7' --add 'CREATE INDEX ON sales (user_id)'",
            "Show what an index would do to a statement",
        ),
        (
            "pgtend what-if --hide idx_sales_status",
            "Show which statements would miss an index",
        ),
        ("pgtend what-if --pg 18", "Show which plans change with an upgrade"),
    ];
    const SEE_ALSO: &'static [&'static str] = &["advise", "slow-queries"];
    const FORMATS: &'static [Format] = &[];
    const ON_SIGNAL: OnSignal = OnSignal::CleansUp;

    async fn run(&self, context: &Context) -> Result<Box<dyn Report>> {
        let named = self.named()?;
        let wishes = self.wishes()?;
        let texts = wishes.iter().map(|wish| wish.table.clone()).collect::<Vec<_>>();
        let work = async {
            let prepared = self.twin.prepare(context, named, &texts).await?;
            run::plans(context, self, prepared, &wishes).await
        };
        Ok(Box::new(context.unless_cancelled(work).await?))
    }
}

impl Args {
    fn changes_nothing(&self) -> bool {
        self.add.is_empty() && self.hide.is_empty() && self.set.is_empty() && self.pg.is_none()
    }

    fn named(&self) -> Result<Named> {
        let counted = StatementsWanted { limit: self.limit, ..StatementsWanted::default() };
        let mut named = Named { counted, ..Named::default() };
        for text in &self.statements {
            if let Ok(queryid) = text.parse::<i64>() {
                named.counted.queryids.push(queryid);
            } else if Path::new(text).exists() {
                named.statements.extend(workload::of_files(Path::new(text))?);
            } else if text.trim().contains(char::is_whitespace) {
                named.statements.push(WorkloadStatement::of_text(text));
            } else {
                return Err(Failure::usage(format!(
                    "{text}: expected SQL, a file, a folder or the number of a statement"
                )));
            }
        }
        Ok(named)
    }

    fn wishes(&self) -> Result<Vec<Wish>> {
        let mut wishes = Vec::new();
        for text in &self.add {
            wishes.extend(wishes::of_argument(text)?.into_iter().map(|declared| declared.wish));
        }
        Ok(wishes)
    }

    fn hidden(&self) -> Vec<RelationName> {
        let names = self.hide.iter().map(|text| match text.split_once('.') {
            Some((schema, name)) => RelationName::qualified(schema, name),
            None => RelationName::unqualified(text.clone()),
        });
        names.collect()
    }
}
