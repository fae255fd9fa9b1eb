//! What a change does to plans.

use crate::app::custom_plans::CustomCosts;
use crate::twin::workload::WorkloadStatement;
use crate::twin::{PlanVerdict, Planned, differ};

/// A statement with its plans.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedStatement {
    pub statement: WorkloadStatement,
    pub before: Planned,
    /// `None`: no change was asked for.
    pub after: Option<Planned>,
    /// Added indexes that the plan after the change uses, for any value or for some.
    pub uses: Vec<String>,
    /// Where it has parameters: its costs for values of them. `Err`: why none are known.
    pub custom: Result<Vec<CustomCosts>, String>,
}

impl ComparedStatement {
    /// By the plan for any value; where that stays the same, by those for some.
    pub fn verdict(&self) -> PlanVerdict {
        let after = self.after.as_ref().unwrap_or(&self.before);
        let verdict = PlanVerdict::of(self.before.cost(), after.cost());
        let custom = self.custom.as_deref().unwrap_or_default();
        if verdict != PlanVerdict::Same || custom.is_empty() {
            return verdict;
        }
        let sum = |cost: fn(&CustomCosts) -> f64| custom.iter().map(cost).sum::<f64>();
        let before = sum(|costs| costs.before);
        PlanVerdict::of(Some(before), Some(sum(|costs| costs.after.unwrap_or(costs.before))))
    }

    /// The costs with values, where it depends on them how the statement is planned.
    pub fn custom_that_differ(&self) -> &[CustomCosts] {
        let custom = self.custom.as_deref().unwrap_or_default();
        let is_other = |one: &CustomCosts| {
            let first = &custom[0];
            differ(one.before, first.before)
                || one.after.zip(first.after).is_some_and(|(one, first)| differ(one, first))
        };
        match custom.iter().any(is_other) {
            true => custom,
            false => &[],
        }
    }

    /// Why it was not judged.
    pub fn reason(&self) -> Option<&str> {
        let planned = [Some(&self.before), self.after.as_ref()];
        planned.into_iter().flatten().find_map(|planned| match planned {
            Planned::Not(reason) => Some(reason.as_str()),
            Planned::Plan(..) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::custom_plans::ParameterValue;

    fn compared(before: f64, after: Option<f64>) -> PlanVerdict {
        let plan = |cost| Planned::Plan(serde_json::Value::Null, cost);
        ComparedStatement {
            statement: WorkloadStatement::default(),
            before: plan(before),
            after: after.map(plan),
            uses: Vec::new(),
            custom: Ok(Vec::new()),
        }
        .verdict()
    }

    #[test]
    fn a_hundredth_is_no_difference() {
        assert_eq!(compared(100.0, Some(99.5)), PlanVerdict::Same);
        assert_eq!(compared(100.0, Some(98.0)), PlanVerdict::Better);
        assert_eq!(compared(100.0, Some(102.0)), PlanVerdict::Worse);
        assert_eq!(compared(100.0, None), PlanVerdict::Same);
    }

    #[test]
    fn what_only_some_values_gain_is_better() {
        let plan = |cost| Planned::Plan(serde_json::Value::Null, cost);
        let costs = |value, after| CustomCosts { value, before: 100.0, after: Some(after) };
        let mut compared = ComparedStatement {
            statement: WorkloadStatement::default(),
            before: plan(100.0),
            after: Some(plan(100.0)),
            uses: Vec::new(),
            custom: Ok(vec![
                costs(ParameterValue::Common, 100.0),
                costs(ParameterValue::Rare, 20.0),
            ]),
        };
        assert_eq!(compared.verdict(), PlanVerdict::Better);
        assert_eq!(compared.custom_that_differ().len(), 2);
        compared.custom = Ok(vec![costs(ParameterValue::Common, 100.0)]);
        assert_eq!(compared.verdict(), PlanVerdict::Same);
        assert!(compared.custom_that_differ().is_empty());
    }
}
