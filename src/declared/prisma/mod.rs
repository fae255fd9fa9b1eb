//! A Prisma schema as a declaration: the indexes that Prisma's engine would make of it, under the
//! names that it would give them. Primary keys and foreign keys are constraints, and not declared.
//!
//! What the schema says is taken as far as it concerns indexes: models and types that it does not
//! define, and settings and attributes that pgtend does not know, are passed over.

mod condition;
mod index;
mod lexer;
mod many_to_many;
mod model;
mod names;
mod syntax;

use std::path::Path;
use std::sync::Arc;

use super::check::Problem;
use super::files::SqlFile;
use super::{DeclaredIndex, Source};
use crate::warning::Warning;
use index::Understood;
use model::{Model, Models};
use syntax::{Attribute, Block, BlockKind, PrismaValue};

/// What the files of one schema declare.
#[derive(Default)]
pub struct PrismaSchema {
    pub indexes: Vec<DeclaredIndex>,
    pub problems: Vec<Problem>,
    /// `not_on_postgresql`.
    pub warnings: Vec<Warning>,
}

/// Understands the files, which are one schema together.
pub fn understand(files: &[SqlFile]) -> PrismaSchema {
    let mut schema = PrismaSchema::default();
    let mut blocks = Vec::new();
    for SqlFile { name, text } in files {
        let file: Arc<Path> = Path::new(name.as_ref()).into();
        match syntax::blocks(text, &file) {
            Ok(more) => blocks.extend(more),
            Err(problem) => schema.problems.push(problem),
        }
    }
    if !schema.problems.is_empty() {
        return schema;
    }
    let default_schema = schema.datasource(&blocks);
    let models = schema.models(&blocks, default_schema.as_deref());
    for block in blocks.iter().filter(|block| block.kind == BlockKind::Model) {
        if let Some(model) = models.get(block.name.as_str()) {
            schema.model(model, &models);
        }
    }
    schema
}

impl PrismaSchema {
    /// The schema that the datasource's URL names, where it stands in the file.
    fn datasource(&mut self, blocks: &[Block]) -> Option<String> {
        let mut found = None;
        for block in blocks.iter().filter(|block| block.kind == BlockKind::Datasource) {
            for (name, value) in &block.settings {
                match (name.as_str(), value.text()) {
                    ("provider", Some("postgresql" | "postgres" | "cockroachdb") | None) => {}
                    ("provider", Some(other)) => {
                        let message = format!("the schema is for {other}, not for PostgreSQL");
                        self.problems.push(Problem::new(&block.source, message));
                    }
                    ("url", Some(url)) => found = schema_of(url),
                    _ => {}
                }
            }
        }
        found
    }

    fn models<'b>(&mut self, blocks: &'b [Block], default_schema: Option<&str>) -> Models<'b> {
        let mut models = Models::new();
        for block in blocks {
            if !matches!(block.kind, BlockKind::Model | BlockKind::View) {
                continue;
            }
            if let Some(first) = models.get(block.name.as_str()) {
                let Source { ref file, line, .. } = first.block.source;
                let message =
                    format!("{} is defined at {}:{line} already", block.name, file.display());
                self.problems.push(Problem::new(&block.source, message));
                continue;
            }
            models.insert(block.name.as_str(), Model::of(block, default_schema));
        }
        models
    }

    fn model(&mut self, model: &Model<'_>, models: &Models<'_>) {
        for field in &model.block.fields {
            let unique = field.attributes.iter().filter(|attribute| attribute.name == "unique");
            for attribute in unique {
                self.add(index::of_field(model, &field.name, attribute, models), attribute);
            }
        }
        for attribute in &model.block.attributes {
            match attribute.name.as_str() {
                "index" | "unique" => {
                    self.add(index::of_block(model, attribute, models), attribute);
                }
                "fulltext" => self.add(full_text(model, attribute, models), attribute),
                _ => {}
            }
        }
        self.indexes.extend(many_to_many::indexes(model, models));
    }

    fn add(&mut self, understood: Result<Understood, Problem>, attribute: &Attribute) {
        let source = &attribute.source;
        match understood {
            Ok(Understood::Index(index)) => self.indexes.push(*index),
            Ok(Understood::NotHere { what, instead }) => self.warnings.push(Warning {
                rule: "not_on_postgresql",
                object: source.to_string(),
                message: format!("{source}: left out: {what}; {instead}"),
            }),
            Err(problem) => self.problems.push(problem),
        }
    }
}

/// PostgreSQL has no such index; what comes near it is said in SQL.
fn full_text(
    model: &Model<'_>,
    attribute: &Attribute,
    models: &Models<'_>,
) -> Result<Understood, Problem> {
    let fields = match attribute.first_or("fields") {
        Some(PrismaValue::List(fields)) => fields.as_slice(),
        _ => &[],
    };
    let columns = fields
        .iter()
        .filter_map(|field| match field {
            PrismaValue::Name(name) => Some(model.column(name, attribute, models)),
            _ => None,
        })
        .collect::<Result<Vec<_>, _>>()?;
    let texts = columns
        .iter()
        .map(|column| format!("coalesce({}, '')", crate::pg::name::quote_ident(column)))
        .collect::<Vec<_>>()
        .join(" || ' ' || ");
    Ok(Understood::NotHere {
        what: "@@fulltext is for MySQL and MongoDB".to_owned(),
        instead: format!(
            "declare it in a SQL file: CREATE INDEX ON {} USING gin (to_tsvector('simple', {texts}))",
            model.table
        ),
    })
}

/// `?schema=` of a connection URL.
fn schema_of(url: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let schema = query.split('&').find_map(|pair| pair.strip_prefix("schema="))?;
    let schema = percent_encoding::percent_decode_str(schema).decode_utf8().ok()?;
    (!schema.is_empty()).then(|| schema.into_owned())
}

#[cfg(test)]
mod tests;
