//! What the planners of the single kinds of objects share.

use std::collections::{HashMap, HashSet};

use super::index_question;
use super::options::ApplyOptions;
use crate::declared::{Declaration, DeclarationLanguage};
use crate::facts::{Canonical, Facts, Index, IndexShape, Oid, Relation};
use crate::failure::Result;
use crate::pg::name::RelationName;
use crate::warning::Warning;
use crate::work::plan::{Plan, Subject, Verdict};

/// The facts, the declaration, and the plan as far as it is made.
pub struct ApplyPlanner<'a> {
    pub declaration: &'a Declaration,
    pub facts: &'a Facts,
    pub options: &'a ApplyOptions,
    pub plan: Plan,
    pub names_chosen: HashSet<RelationName>,
    full_names: HashMap<&'a RelationName, &'a Relation>,
    /// Existing indexes by table and name.
    indexes: HashMap<(Oid, &'a str), &'a Index>,
    /// Existing indexes by table and definition.
    definitions: HashMap<(Oid, &'a str), Vec<&'a Index>>,
    /// The places of declared indexes by table and definition.
    declared: HashMap<(Oid, &'a str), Vec<usize>>,
    /// The index of a SQL file that each of these of the Prisma schema is, by their places.
    pub also_in_sql: HashMap<usize, usize>,
}

impl<'a> ApplyPlanner<'a> {
    pub fn new(declaration: &'a Declaration, facts: &'a Facts, options: &'a ApplyOptions) -> Self {
        let mut planner = ApplyPlanner {
            declaration,
            facts,
            options,
            plan: Plan::default(),
            names_chosen: HashSet::new(),
            full_names: facts.relations.values().map(|it| (&it.name, it)).collect(),
            indexes: HashMap::new(),
            definitions: HashMap::new(),
            declared: HashMap::new(),
            also_in_sql: HashMap::new(),
        };
        for (at, index) in declaration.indexes.iter().enumerate() {
            if let (Some(relation), Some(shape)) =
                (facts.relations.get(&index.table), planner.canonical(at).known())
            {
                let key = (relation.oid, shape.definition.as_str());
                planner.declared.entry(key).or_default().push(at);
            }
        }
        for (table, index) in facts
            .indexes
            .iter()
            .flat_map(|(table, indexes)| indexes.iter().map(|it| (*table, it)))
        {
            planner.indexes.insert((table, &index.name.name), index);
            let key = (table, index.shape.definition.as_str());
            planner.definitions.entry(key).or_default().push(index);
        }
        planner
    }

    /// The relation that a declared name means, if it exists.
    pub fn relation(&self, name: &RelationName) -> Option<&'a Relation> {
        self.facts.relations.get(name)
    }

    /// How the server writes the declared index at that place.
    pub fn canonical(&self, at: usize) -> &'a Canonical<IndexShape> {
        self.facts.canonical_index(&index_question(&self.declaration.indexes[at]))
    }

    /// The relation of that full name, if it is among those asked for.
    pub fn relation_named(&self, name: &RelationName) -> Option<&'a Relation> {
        self.full_names.get(name).copied()
    }

    /// The table's index of that name.
    pub fn index_named(&self, table: Oid, name: &str) -> Option<&'a Index> {
        self.indexes.get(&(table, name)).copied()
    }

    /// The table's indexes of that definition, whether unique or not.
    pub fn indexes_defined(
        &self,
        table: Oid,
        definition: &str,
    ) -> impl Iterator<Item = &'a Index> + use<'a> {
        let found = self.definitions.get(&(table, definition)).cloned();
        found.unwrap_or_default().into_iter()
    }

    /// The places of the indexes of that definition that are declared on the table.
    pub fn declared_with<'s>(&'s self, table: Oid, definition: &'s str) -> &'s [usize] {
        self.declared.get(&(table, definition)).map_or(&[], Vec::as_slice)
    }

    /// Whether the Prisma schema declares the index at that place, alone or besides a SQL file.
    pub fn is_of_prisma(&self, at: usize) -> bool {
        self.declaration.indexes[at].origin == DeclarationLanguage::Prisma
            || self.also_in_sql.values().any(|sql| *sql == at)
    }

    /// Whether the name is that of a declared view that this plan creates, and its full name.
    pub fn view_to_come(&self, name: &RelationName) -> Option<RelationName> {
        // Views are planned first.
        let mut views = self.plan.steps.iter().take(self.declaration.views.len());
        let step = views.find(|step| match &step.subject {
            Subject::View(view) => {
                view.name.name == name.name
                    && (name.schema.is_none() || view.name.schema == name.schema)
            }
            _ => false,
        })?;
        (step.verdict == Verdict::ToDo).then(|| step.object.clone())
    }

    /// Where a new relation without schema goes.
    pub fn with_default_schema(&self, name: &RelationName) -> RelationName {
        self.facts.server.search_path.place(name)
    }

    pub fn warn(&mut self, rule: &'static str, object: &RelationName, message: String) {
        self.plan.warnings.push(Warning { rule, object: object.to_string(), message });
    }

    /// The plan, without what the filter keeps out.
    ///
    /// # Errors
    /// `Usage` for a filter that nothing fits.
    pub fn finish(self) -> Result<Plan> {
        let filter = &self.options.filter;
        let mut plan = self.plan;
        filter.require_fitting(&plan.steps)?;
        plan.warnings.extend(self.declaration.warnings.iter().cloned());
        let left_out = plan
            .steps
            .iter()
            .filter(|step| !filter.lets_through(step))
            .map(|step| step.object.to_string())
            .collect::<HashSet<_>>();
        plan.steps.retain(|step| filter.lets_through(step));
        plan.warnings.retain(|warning| !left_out.contains(&warning.object));
        Ok(plan)
    }
}
