//! What the twin says statements cost with candidates.

use std::collections::BTreeSet;

use super::search::Costs;
use super::statements::{PlansNow, Weighed};
use crate::failure::Result;
use crate::twin::{Candidate, Twin};

/// Shows candidates to the planner, and asks it.
pub struct Oracle<'t> {
    twin: &'t Twin,
    candidates: &'t [Candidate],
    pub statements: &'t [Weighed],
    shown: Shown,
    /// Plans that were asked for.
    pub asked: usize,
}

impl<'t> Oracle<'t> {
    pub fn new(
        twin: &'t Twin,
        candidates: &'t [Candidate],
        statements: &'t [Weighed],
    ) -> Oracle<'t> {
        Oracle {
            twin,
            candidates,
            statements,
            shown: Shown::default(),
            asked: 0,
        }
    }

    /// The plans of a statement with these candidates.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn plans(&mut self, statement: usize, shown: &BTreeSet<usize>) -> Result<PlansNow> {
        self.shown.change(self.twin, self.candidates, shown).await?;
        let weighed = &self.statements[statement];
        self.asked += 1 + weighed.examples.len();
        weighed.plans_now(self.twin).await
    }
}

/// Which candidates the planner sees.
#[derive(Debug, Default)]
pub struct Shown(BTreeSet<usize>);

impl Shown {
    /// Lets the planner see these alone.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn change(
        &mut self,
        twin: &Twin,
        candidates: &[Candidate],
        wanted: &BTreeSet<usize>,
    ) -> Result<()> {
        let oids = |these: Vec<&usize>| {
            these
                .into_iter()
                .flat_map(|at| candidates[*at].oids.clone())
                .collect::<Vec<_>>()
        };
        let hide = oids(self.0.difference(wanted).collect());
        let show = oids(wanted.difference(&self.0).collect());
        twin.toggle(&hide, &show).await?;
        self.0.clone_from(wanted);
        Ok(())
    }
}

impl Costs for Oracle<'_> {
    async fn cost(&mut self, statement: usize, shown: &BTreeSet<usize>) -> Result<f64> {
        self.shown.change(self.twin, self.candidates, shown).await?;
        let weighed = &self.statements[statement];
        self.asked += weighed.ways.len();
        weighed.careful_cost_now(self.twin).await
    }

    async fn reads(
        &mut self,
        statement: usize,
        shown: &BTreeSet<usize>,
    ) -> Result<(f64, BTreeSet<usize>)> {
        self.shown.change(self.twin, self.candidates, shown).await?;
        let weighed = &self.statements[statement];
        self.asked += weighed.ways.len();
        let (cost, indexes) = weighed.planner_cost_now(self.twin).await?;
        let is_read = |at: &&usize| self.candidates[**at].is_among(&indexes);
        Ok((cost, shown.iter().filter(is_read).copied().collect()))
    }
}
