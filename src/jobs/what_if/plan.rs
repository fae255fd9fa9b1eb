//! What a change does to plans.

use crate::twin::workload::WorkloadStatement;
use crate::twin::{PlanVerdict, Planned};

/// A statement with its plans.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedStatement {
    pub statement: WorkloadStatement,
    pub before: Planned,
    /// `None`: no change was asked for.
    pub after: Option<Planned>,
    /// Added indexes that the plan after the change uses.
    pub uses: Vec<String>,
}

impl ComparedStatement {
    pub fn verdict(&self) -> PlanVerdict {
        match &self.after {
            Some(after) => PlanVerdict::of(self.before.cost(), after.cost()),
            None => PlanVerdict::of(self.before.cost(), self.before.cost()),
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

    fn compared(before: f64, after: Option<f64>) -> PlanVerdict {
        let plan = |cost| Planned::Plan(serde_json::Value::Null, cost);
        ComparedStatement {
            statement: WorkloadStatement::default(),
            before: plan(before),
            after: after.map(plan),
            uses: Vec::new(),
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
}
