//! Migrations on a twin: what they make of the plans. They run while tables look empty, as a migration
//! on the throwaway server does; then each table and index gets the length that it would have.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::build::{Object, Twin, execute, load_objects};
use super::data::{TwinIndex, TwinRelation};
use super::export::objects;
use super::files::{Columns, PgClassFigures};
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
struct KeptTable {
    oid: Oid,
    file: String,
    pages: u64,
    /// As it was before, with its file.
    figures: PgClassFigures,
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
            empty.push((table.oid, self.empty_file(&table.file)?));
        }
        self.set_filenodes(&empty).await?;
        match self.planner.execute(statement).await {
            Err(error) if error.sqlstate.is_none() => Err(error.into_failure()),
            Err(error) => {
                let figures = kept.into_iter().map(|table| table.figures);
                self.write_figures(&figures.collect::<Vec<_>>()).await?;
                Ok(Migrated::Refused(error.to_string()))
            }
            Ok(()) => {
                execute(&self.superuser, "CHECKPOINT").await?;
                let now = load_objects(&self.superuser).await?;
                let before = std::mem::replace(&mut self.objects, now);
                self.fill_tables(&kept, &empty).await?;
                self.size_new_indexes(&before, &kept).await?;
                Ok(Migrated::Done)
            }
        }
    }

    fn kept_tables(&self) -> Vec<KeptTable> {
        let tables = self.data.relations.iter().filter(|relation| relation.is_table());
        let kept = tables.filter_map(|table| {
            let object = self.object(&table.schema, &table.name)?;
            let file = object.file.clone()?;
            let figures = PgClassFigures::of_table(object.oid, table, Some(filenode(&file)?));
            Some(KeptTable { oid: object.oid, file, pages: table.pages?, figures })
        });
        kept.collect()
    }

    /// The long files again; a table that was written anew has a file of its own, which becomes long.
    async fn fill_tables(&mut self, kept: &[KeptTable], empty: &[(Oid, u32)]) -> Result<()> {
        let now = self
            .objects
            .values()
            .filter_map(|object| {
                let file = object.file.clone()?;
                Some((object.oid, file))
            })
            .collect::<HashMap<Oid, String>>();
        let mut figures = Vec::new();
        for (table, (_, empty)) in kept.iter().zip(empty) {
            let Some(file) = now.get(&table.oid) else {
                continue;
            };
            let mut figure = table.figures.clone();
            if filenode(file) != Some(*empty) {
                figure.relfilenode = None;
                self.set_length(file, table.pages)?;
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
        kept: &[KeptTable],
    ) -> Result<()> {
        let known = before
            .values()
            .map(|object| (object.oid, object.file.clone()))
            .collect::<HashSet<_>>();
        let tables = kept.iter().map(|table| table.oid).collect::<Vec<_>>();
        let sql = include_str!("../../sql/twin/indexes.sql");
        let indexes: Vec<TwinIndex> = objects(&self.superuser, sql, &tables).await?;
        let by_oid = self.data.clone();
        let names = before
            .iter()
            .map(|(name, object)| (object.oid, name.clone()))
            .collect::<HashMap<Oid, (String, String)>>();
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
            let known = |relation: &&TwinRelation| {
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
