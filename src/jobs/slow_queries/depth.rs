//! More about single statements: their plans, and what they did from snapshot to snapshot.

use super::explain::{Explanation, explain};
use super::plan::{Details, Ranking};
use super::{Args, Basis};
use crate::app::Context;
use crate::declared::{self, DeclaredIndex, Others};
use crate::facts::Known;
use crate::facts::reach::{Deed, Trust, foreign_text};
use crate::facts::statements::{Counters, StatementHistory, StatementKey};
use crate::failure::Result;
use crate::pg::database::Database;
use crate::work::apply::load::load_plan;
use crate::work::apply::plan;
use crate::work::plan::{Action, Subject};

impl Args {
    /// How many statements are to be explained.
    fn explained(&self) -> usize {
        self.explain.unwrap_or(if self.queryid.is_some() { usize::MAX } else { 0 })
    }

    /// The declared indexes that are not there.
    pub(super) async fn missing(
        &self,
        context: &Context,
        database: &Database,
    ) -> Result<Vec<DeclaredIndex>> {
        let paths = if self.declared.is_empty() {
            &context.config.paths
        } else {
            &self.declared
        };
        if self.explained() == 0 || paths.is_empty() {
            return Ok(Vec::new());
        }
        let declaration = declared::load(paths, Others::Ignore)?;
        let plan = load_plan(database, &declaration, &plan::ApplyOptions::default()).await?;
        let to_build = plan.steps.into_iter().filter(|step| step.action == Action::BuildIndex);
        let indexes = to_build.filter_map(|step| match step.subject {
            Subject::Index(index) => Some(index),
            _ => None,
        });
        Ok(indexes.collect())
    }

    /// What is known of the statements besides their counters.
    pub(super) async fn details(
        &self,
        ranking: &Ranking,
        of: &StatementHistory<'_>,
        basis: &Basis,
    ) -> Result<Vec<Details>> {
        let Basis { missing, trust, .. } = basis;
        let mut all = Vec::new();
        let chosen = ranking.statements.iter().take(self.explained()).collect::<Vec<_>>();
        if chosen.is_empty() {
            return Ok(all);
        }
        // Only what the server itself says that it has executed is planned.
        let keys = chosen.iter().map(|counted| counted.key).collect::<Vec<_>>();
        let texts = of.live_texts(&keys).await?;
        for counted in chosen {
            let key = counted.key;
            let history = match self.queryid {
                Some(_) => of.history(key).await?,
                None => Known::default(),
            };
            let explanation = match texts.get(&key) {
                _ if key.dbid != of.extension.dbid => {
                    Explanation::None("it is one of another database".to_owned())
                }
                _ if !is_trusted(key, ranking, trust) => {
                    let role =
                        ranking.names.roles.get(&key.userid).map_or("another role", String::as_str);
                    Explanation::None(foreign_text(role, Deed::Planning))
                }
                Some(query) => explain(of.session, query, trust, missing).await?,
                None => Explanation::None("its text is not known".to_owned()),
            };
            all.push(details(explanation, history));
        }
        Ok(all)
    }
}

/// Whether its role decides what runs with the rights of this one, as superusers do anyway.
fn is_trusted(key: StatementKey, ranking: &Ranking, trust: &Trust) -> bool {
    ranking.names.superusers.contains(&key.userid) || trust.includes(key.userid)
}

/// What EXPLAIN and the snapshots tell.
fn details(explanation: Explanation, history: Known<Vec<(String, Counters)>>) -> Details {
    let mut details = Details::default();
    match explanation {
        Explanation::None(reason) => details.not_explained = Some(reason),
        Explanation::Read(reading, served) => {
            let remarks = reading.remarks.iter().map(|remark| match &remark.relation {
                Some(relation) => format!("{relation}: {}", remark.message),
                None => remark.message.clone(),
            });
            details.remarks = remarks.chain(served).collect();
            let relations = reading.relations.iter().chain(&reading.indexes);
            details.relations = relations.map(ToString::to_string).collect();
            details.plan = reading.tree;
        }
    }
    match history {
        Known::Known(history) => details.history = history,
        Known::Unavailable(why) => {
            details.remarks.push(format!("what it did before is not known: {why}"));
        }
    }
    details
}
