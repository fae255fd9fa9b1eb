//! Models and the tables that they are.

use std::collections::HashMap;

use super::syntax::{Attribute, Block, BlockKind, PrismaField, PrismaValue, attribute};
use crate::declared::check::Problem;
use crate::did_you_mean;
use crate::pg::name::RelationName;

/// A model, and the names that it has in the database.
#[derive(Debug)]
pub struct Model<'b> {
    pub block: &'b Block,
    pub table: RelationName,
    fields: HashMap<&'b str, &'b PrismaField>,
}

/// The models and views by name.
pub type Models<'b> = HashMap<&'b str, Model<'b>>;

impl<'b> Model<'b> {
    pub fn of(block: &'b Block, default_schema: Option<&str>) -> Self {
        let schema = given(&block.attributes, "schema").or(default_schema);
        let name = given(&block.attributes, "map").unwrap_or(&block.name);
        let table = RelationName { schema: schema.map(str::to_owned), name: name.to_owned() };
        let fields = block.fields.iter().map(|field| (field.name.as_str(), field)).collect();
        Model { block, table, fields }
    }

    pub fn is_view(&self) -> bool {
        self.block.kind == BlockKind::View
    }

    /// The column of the field.
    ///
    /// # Errors
    /// Where the model has no such field, or it is a relation and no column.
    pub fn column(
        &self,
        name: &str,
        at: &Attribute,
        models: &Models<'_>,
    ) -> Result<&'b str, Problem> {
        let Some(field) = self.fields.get(name) else {
            let fields =
                self.block.fields.iter().map(|field| field.name.clone()).collect::<Vec<_>>();
            let message = format!("the model {} has no field {name}", self.block.name);
            let hint = did_you_mean::hint(name, &fields, "it has no field at all");
            return Err(Problem::new(&at.source, message).hint(hint));
        };
        let relation = attribute(&field.attributes, "relation");
        if relation.is_none() && !models.contains_key(field.of.as_str()) {
            return Ok(column(field));
        }
        let message = format!("{}.{name} is a relation and no column", self.block.name);
        let own = relation.and_then(|relation| relation.named("fields"));
        Err(Problem::new(&at.source, message).hint(match own {
            Some(PrismaValue::List(own)) => {
                let names = own.iter().filter_map(|value| match value {
                    PrismaValue::Name(name) => Some(name.as_str()),
                    _ => None,
                });
                format!("name its column: {}", names.collect::<Vec<_>>().join(", "))
            }
            _ => "name the fields that are columns".to_owned(),
        }))
    }
}

fn column(field: &PrismaField) -> &str {
    given(&field.attributes, "map").unwrap_or(&field.name)
}

/// The string that an attribute says, `@map("…")` or `@map(name: "…")`.
fn given<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    attribute(attributes, name)?.first_or("name")?.text()
}
