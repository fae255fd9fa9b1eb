//! Migrations on a twin: what they make of the plans. They run while tables look empty, as a migration
//! on the throwaway server does; then each table and index gets the length that it would have.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::build::{Object, Twin, execute, load_objects};
use super::data::{Index, Relation};
use super::export::objects;
use super::files::{Columns, Figures};
use crate::facts::Oid;
use crate::failure::Result;

/// What became of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Migrated {
    /// It may have changed plans.
    Done,
    /// The twin refuses it: production is past it already, or it is about what the twin lacks.
    Refused(String),
}

/// A table of production with its file.
struct Kept {
    oid: Oid,
    filenode: u32,
    pages: u64,
    figures: Figures,
}

impl Twin {
    /// Runs a statement of a migration as the twin's own role.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn migrate(&mut self, statement: &str) -> Result<Migrated> {
        let kept = self.kept_tables();
        let mut empty = Vec::new();
        for table in &kept {
            empty.push((table.oid, self.new_empty_file(table.oid)?));
        }
        self.set_filenodes(&empty).await?;
        let done = self.planner.execute(statement).await;
        let migrated = match done {
            Err(error) if error.sqlstate.is_none() => return Err(error.into_failure()),
            Err(error) => Migrated::Refused(error.to_string()),
            Ok(()) => Migrated::Done,
        };
        execute(&self.superuser, "CHECKPOINT").await?;
        let before = std::mem::take(&mut self.objects);
        self.objects = load_objects(&self.superuser).await?;
        self.fill_tables(&kept, &empty).await?;
        if migrated == Migrated::Done {
            self.size_new_indexes(&before, &kept).await?;
        } else {
            self.objects = before;
        }
        Ok(migrated)
    }

    fn kept_tables(&self) -> Vec<Kept> {
        let tables = self.data.relations.iter().filter(|relation| relation.is_table());
        let kept = tables.filter_map(|table| {
            let object = self.object(&table.schema, &table.name)?;
            Some(Kept {
                oid: object.oid,
                filenode: filenode(object.file.as_deref()?)?,
                pages: table.pages?,
                figures: Figures {
                    oid: object.oid,
                    relpages: table.relpages,
                    reltuples: table.reltuples.clone(),
                    relallvisible: table.relallvisible,
                    relfilenode: None,
                },
            })
        });
        kept.collect()
    }

    fn new_empty_file(&mut self, oid: Oid) -> Result<u32> {
        let file = self.objects.values().find(|object| object.oid == oid);
        let file = file.and_then(|object| object.file.clone()).unwrap_or_default();
        let new = self.next_file;
        self.next_file += 1;
        let path = Path::new(&file).with_file_name(new.to_string());
        self.set_length(&path.display().to_string(), 0)?;
        Ok(new)
    }

    /// The long files again; a table that was written anew has a file of its own, which becomes long.
    async fn fill_tables(&mut self, kept: &[Kept], empty: &[(Oid, u32)]) -> Result<()> {
        let now = self.objects.values().filter_map(|object| {
            let file = object.file.clone()?;
            Some((object.oid, file))
        });
        let now = now.collect::<HashMap<Oid, String>>();
        let mut figures = Vec::new();
        for (table, (_, empty)) in kept.iter().zip(empty) {
            let Some(file) = now.get(&table.oid) else {
                continue;
            };
            let mut figure = table.figures.clone();
            match filenode(file) == Some(*empty) {
                true => figure.relfilenode = Some(table.filenode),
                false => self.set_length(file, table.pages)?,
            }
            figures.push(figure);
        }
        self.write_figures(&figures).await?;
        self.objects = load_objects(&self.superuser).await?;
        Ok(())
    }

    /// Indexes that were made or built anew, which have no length yet.
    async fn size_new_indexes(
        &mut self,
        before: &HashMap<(String, String), Object>,
        kept: &[Kept],
    ) -> Result<()> {
        let known = before.values().map(|object| (object.oid, object.file.clone()));
        let known = known.collect::<HashSet<_>>();
        let tables = kept.iter().map(|table| table.oid).collect::<Vec<_>>();
        let sql = include_str!("../../sql/twin/indexes.sql");
        let indexes: Vec<Index> = objects(&self.superuser, sql, &tables).await?;
        let by_oid = self.data.clone();
        let names = before.iter().map(|(name, object)| (object.oid, name.clone()));
        let names = names.collect::<HashMap<Oid, (String, String)>>();
        let columns = Columns::of(&by_oid.column_statistics);
        let mut figures = Vec::new();
        for index in indexes {
            let Some(object) = self.object(&index.schema, &index.name) else {
                continue;
            };
            if known.contains(&(object.oid, object.file.clone())) {
                continue;
            }
            let table = self.object(&index.schema, &index.table).map(|object| object.oid);
            let name = table.and_then(|oid| names.get(&oid));
            let known = |relation: &&Relation| {
                name.is_some_and(|(schema, table)| {
                    relation.schema == *schema && relation.name == *table
                })
            };
            let Some(table) = by_oid.relations.iter().find(known) else {
                continue;
            };
            figures.extend(self.sized(index, table, &columns).await?.1);
        }
        self.write_figures(&figures).await
    }
}

fn filenode(file: &str) -> Option<u32> {
    Path::new(file).file_name()?.to_str()?.parse().ok()
}
