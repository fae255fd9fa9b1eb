//! Relations of many to many without a model between them: Prisma keeps each in a table of its own,
//! `_AToB` with the columns `A` and `B`. Its primary key begins with `A`; for `B` there is an index.

use super::model::{Model, Models};
use super::syntax::{PrismaField, attribute};
use crate::declared::{DeclarationLanguage, DeclaredIndex};
use crate::pg::name::with_suffix;

/// The index of each such table that this model is the first side of.
pub fn indexes<'a>(
    model: &'a Model<'a>,
    models: &'a Models<'a>,
) -> impl Iterator<Item = DeclaredIndex> + 'a {
    let fields = model.block.fields.iter().enumerate();
    fields.filter_map(|(at, field)| {
        let relation = relation(field)?;
        let other = models.get(field.of.as_str()).filter(|other| !other.is_view())?;
        let mut back = other.block.fields.iter().enumerate().filter(|(_, back)| {
            back.of == model.block.name && self::relation(back) == Some(relation)
        });
        let is_first = match other.block.name == model.block.name {
            true => back.any(|(other_at, _)| other_at > at),
            false => model.block.name < other.block.name && back.next().is_some(),
        };
        is_first.then(|| index(model, other, relation, field))
    })
}

/// The name of the relation that a list is a side of, empty where it has none; `None` where the
/// field is something else.
fn relation(field: &PrismaField) -> Option<&str> {
    let relation = attribute(&field.attributes, "relation");
    if !field.is_list || relation.is_some_and(|it| it.named("fields").is_some()) {
        return None;
    }
    let name = relation.and_then(|it| it.first_or("name")?.text());
    Some(name.unwrap_or_default())
}

fn index(
    first: &Model<'_>,
    second: &Model<'_>,
    relation: &str,
    field: &PrismaField,
) -> DeclaredIndex {
    let name = match relation {
        "" => format!("_{}To{}", first.block.name, second.block.name),
        named => format!("_{named}"),
    };
    let table = first.table.sibling(with_suffix(&name, ""));
    DeclaredIndex {
        name: Some(with_suffix(&table.name, "_B_index")),
        unique: false,
        definition: "(\"B\")".to_owned(),
        plain: true,
        method: None,
        tablespace: None,
        columns: vec![Some("B".to_owned())],
        parts: Vec::new(),
        origin: DeclarationLanguage::Prisma,
        source: field.source.clone(),
        table,
    }
}
