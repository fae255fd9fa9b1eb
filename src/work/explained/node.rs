//! The nodes of a plan. What a version of PostgreSQL does not print is absent; what this one does
//! not know is passed by.

use serde_json::{Map, Value};

use crate::pg::name::RelationName;

/// A node and what is below it.
#[derive(Debug)]
pub struct PlanNode<'p> {
    fields: &'p Map<String, Value>,
    /// Of the closest node above that names one, where it names none: a Bitmap Index Scan.
    schema: Option<&'p str>,
    /// The nodes that it takes rows from, and its subplans.
    pub children: Vec<PlanNode<'p>>,
}

/// The topmost nodes of what EXPLAIN prints: a rule can make several plans of one statement.
pub fn roots(plan: &Value) -> Vec<PlanNode<'_>> {
    match plan {
        Value::Array(plans) => plans.iter().flat_map(roots).collect(),
        Value::Object(fields) => match fields.get("Plan") {
            Some(plan) => roots(plan),
            None if fields.contains_key("Node Type") => vec![PlanNode::read(fields, None)],
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}

impl<'p> PlanNode<'p> {
    fn read(fields: &'p Map<String, Value>, above: Option<&'p str>) -> PlanNode<'p> {
        let schema = fields.get("Schema").and_then(Value::as_str).or(above);
        let plans = fields.get("Plans").and_then(Value::as_array).into_iter().flatten();
        let children =
            plans.filter_map(Value::as_object).map(|child| PlanNode::read(child, schema));
        PlanNode { fields, schema, children: children.collect() }
    }

    /// This node and all below it, from the top.
    pub fn all(&self) -> Vec<&PlanNode<'p>> {
        let below = self.children.iter().flat_map(PlanNode::all);
        std::iter::once(self).chain(below).collect()
    }

    /// A property that is text.
    pub fn text(&self, key: &str) -> Option<&'p str> {
        self.fields.get(key).and_then(Value::as_str)
    }

    /// A property that is text or a list of texts, the list with commas.
    pub fn list(&self, key: &str) -> Option<String> {
        match self.fields.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Array(items) => {
                Some(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
            }
            _ => None,
        }
    }

    /// The first of a list of texts.
    pub fn first(&self, key: &str) -> Option<&'p str> {
        self.fields.get(key).and_then(Value::as_array)?.first()?.as_str()
    }

    /// A property that is a number; 0 where there is none.
    pub fn number(&self, key: &str) -> f64 {
        self.fields.get(key).and_then(Value::as_f64).unwrap_or(0.0)
    }

    /// Whether a property is true.
    pub fn is(&self, key: &str) -> bool {
        self.fields.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    /// Whether it has a property.
    pub fn has(&self, key: &str) -> bool {
        self.fields.contains_key(key)
    }

    /// What it does: `Seq Scan`, `Hash Join` …
    pub fn kind(&self) -> &'p str {
        self.text("Node Type").unwrap_or("?")
    }

    /// Its place in the node above: `Outer`, `Inner`, `SubPlan`, `InitPlan`, `Member` …
    pub fn place(&self) -> &'p str {
        self.text("Parent Relationship").unwrap_or("")
    }

    /// The table that it reads or writes.
    pub fn relation(&self) -> Option<RelationName> {
        let schema = self.text("Schema").map(str::to_owned);
        Some(RelationName { schema, name: self.text("Relation Name")?.to_owned() })
    }

    /// The name that its conditions call the table by.
    pub fn alias(&self) -> Option<&'p str> {
        self.text("Alias").or_else(|| self.text("Relation Name"))
    }

    /// The index that it uses; an index lives in its table's schema.
    pub fn index(&self) -> Option<RelationName> {
        let schema = self.schema.map(str::to_owned);
        Some(RelationName { schema, name: self.text("Index Name")?.to_owned() })
    }

    /// How many rows it is expected to return, each time and in each process.
    pub fn rows(&self) -> f64 {
        self.number("Plan Rows")
    }
}
