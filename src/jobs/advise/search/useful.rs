//! Which candidates can serve which statement. A join of many tables has hundreds that begin with what it looks
//! for, and to plan it with each of them alone takes minutes. So it is planned with all, and then again and
//! again without those that its plan read before: once the others together save little, each of them saves
//! no more.

use std::collections::BTreeSet;

use super::super::statements::OF_STATEMENT;
use super::{Costs, Search};
use crate::cancel::Cancel;
use crate::failure::Result;

/// So few are planned with one by one.
const FEW: usize = 12;
/// What comes after so many better ones is not the one to choose for a statement.
const ROUNDS: usize = 10;
/// What saves less than this share of a statement does not count for it.
const LITTLE: f64 = OF_STATEMENT / 2.0;

impl<C: Costs> Search<'_, C> {
    /// Finds out which statements each candidate concerns. A signal ends it early.
    pub(super) async fn find_concerned(&mut self, cancel: &Cancel) -> Result<()> {
        for at in 0..self.statements.len() {
            if cancel.signal().is_some() {
                break;
            }
            for candidate in self.useful_for(at).await? {
                self.concerned[candidate].push(at);
            }
        }
        Ok(())
    }

    async fn useful_for(&mut self, at: usize) -> Result<BTreeSet<usize>> {
        let statement = &self.statements[at];
        let mut others = statement.relevant.clone();
        if others.len() <= FEW {
            return Ok(others);
        }
        // The search may count more than the planner, who then does not tell what can be saved.
        let is_little = |cost: f64| {
            statement.cost <= statement.planner_cost
                && cost > statement.planner_cost * (1.0 - LITTLE)
        };
        let mut useful = BTreeSet::new();
        if statement.cost_with_all.is_some_and(is_little) {
            return Ok(useful);
        }
        for round in 0..ROUNDS {
            let (cost, read) = self.costs.reads(at, &others).await?;
            if round == 0 {
                let saved = (statement.planner_cost - cost) / statement.planner_cost;
                read.iter().for_each(|one| self.together[*one] += statement.weight * saved);
            }
            if read.is_empty() || is_little(cost) {
                break;
            }
            others.retain(|one| !read.contains(one));
            useful.extend(read);
        }
        Ok(useful)
    }
}
