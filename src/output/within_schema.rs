//! What was planned or done in one schema, told without its name: by this, the results of several schemas are
//! known to be the same.

use crate::pg::name::{RelationName, quote_ident};
use crate::syntax::replaced;
use crate::warning::Warning;
use crate::work::event::Executed;
use crate::work::plan::{Plan, Step};

/// The plan, without the schema's name. Its statements stay as they would be sent.
pub fn plan(plan: &Plan, schema: &str) -> Plan {
    let within = Within::new(schema);
    let mut plan = plan.clone();
    plan.steps.iter_mut().for_each(|step| within.step(step));
    plan.warnings.iter_mut().for_each(|warning| within.warning(warning));
    plan
}

/// What was done, without the schema's name.
pub fn executed(done: &Executed, schema: &str) -> Executed {
    let within = Within::new(schema);
    let mut done = done.clone();
    for executed in &mut done.steps {
        within.step(&mut executed.step);
        within.words(&mut executed.outcome.reason.words);
    }
    done.warnings.iter_mut().for_each(|warning| within.warning(warning));
    done
}

struct Within<'s> {
    schema: &'s str,
    /// The name as it stands before others.
    prefix: String,
}

impl<'s> Within<'s> {
    fn new(schema: &'s str) -> Self {
        Within { schema, prefix: format!("{}.", quote_ident(schema)) }
    }

    fn step(&self, step: &mut Step) {
        self.name(&mut step.object);
        step.on.iter_mut().for_each(|on| self.name(on));
        step.lock.iter_mut().for_each(|lock| self.words(&mut lock.on));
        self.words(&mut step.reason.words);
    }

    fn name(&self, name: &mut RelationName) {
        name.schema.take_if(|schema| schema == self.schema);
    }

    fn warning(&self, warning: &mut Warning) {
        self.words(&mut warning.object);
        self.words(&mut warning.message);
    }

    fn words(&self, words: &mut String) {
        *words = self.without(words);
    }

    fn without(&self, words: &str) -> String {
        let is_of_name = |char: char| char.is_alphanumeric() || "_$\".".contains(char);
        let found = words
            .match_indices(&self.prefix)
            .filter(|(at, _)| !words[..*at].ends_with(is_of_name));
        replaced(words, found.map(|(at, prefix)| (at..at + prefix.len(), String::new())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_schema_is_left_out_where_it_is_one() {
        let without = |schema: &str, words: &str| Within::new(schema).without(words);
        assert_eq!(
            without("a", "a.t is as a.u, not as ba.t or \"a.\".t"),
            "t is as u, not as ba.t or \"a.\".t"
        );
        assert_eq!(without("We;ird", "DROP \"We;ird\".\"x y\""), "DROP \"x y\"");
        assert_eq!(without("a", "nothing"), "nothing");
        let mut name = RelationName::qualified("a", "t");
        Within::new("b").name(&mut name);
        assert_eq!(name.to_string(), "a.t");
        Within::new("a").name(&mut name);
        assert_eq!(name.to_string(), "t");
    }
}
