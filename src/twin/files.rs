//! Files of the right length. The planner asks for the current number of blocks of a table and of each
//! index, and reads no block but an index's first one; so a sparse file does as well as a full one.

use std::collections::HashMap;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::Serialize;
use tokio_postgres::types::Type;

use super::build::{Twin, set_valid};
use super::data::{ColumnStatistics, Metapage, TwinIndex, TwinRelation};
use super::pages::{self, PAGE, SEGMENT_PAGES};
use crate::facts::Oid;
use crate::facts::btree_size::{self, BtreeShape, ColumnShape, DEFAULT_FILL_PERCENT};
use crate::facts::load::ask;
use crate::failure::{Failure, Kind, Result};

/// Far above what a server of a few thousand objects counts to.
pub(super) const FIRST_FILE: u32 = 2_000_000_000;

/// Figures of pg_class.
#[derive(Debug, Clone, Serialize)]
pub(super) struct PgClassFigures {
    pub oid: Oid,
    pub relpages: i64,
    pub reltuples: String,
    pub relallvisible: i64,
    /// `None`: the one that it has.
    pub relfilenode: Option<u32>,
}

impl PgClassFigures {
    /// Those that production has of a table.
    pub fn of_table(oid: Oid, table: &TwinRelation, relfilenode: Option<u32>) -> PgClassFigures {
        PgClassFigures {
            oid,
            relpages: table.relpages,
            reltuples: table.reltuples.clone(),
            relallvisible: table.relallvisible,
            relfilenode,
        }
    }
}

/// What is known of columns, by schema, relation and column.
pub struct Columns<'d>(HashMap<(&'d str, &'d str, &'d str), &'d ColumnStatistics>);

impl<'d> Columns<'d> {
    pub fn of(rows: &'d [ColumnStatistics]) -> Self {
        let mut columns = HashMap::new();
        for row in rows {
            let key = (row.schema.as_str(), row.relation.as_str(), row.column.as_str());
            // Of a parent those with its children.
            if row.inherited {
                columns.insert(key, row);
            } else {
                columns.entry(key).or_insert(row);
            }
        }
        Columns(columns)
    }

    pub fn get(&self, schema: &str, relation: &str, column: &str) -> Option<&'d ColumnStatistics> {
        self.0.get(&(schema, relation, column)).copied()
    }
}

impl Twin {
    /// Gives all tables and indexes the lengths and figures that production has.
    pub(super) async fn set_files_of_all(&mut self) -> Result<()> {
        let data = self.data.clone();
        let columns = Columns::of(&data.column_statistics);
        let tables = data.relations.iter().filter(|relation| relation.is_table());
        let mut figures = Vec::new();
        for table in tables.clone() {
            figures.extend(self.set_table(table)?);
        }
        let by_name = tables
            .map(|table| ((table.schema.as_str(), table.name.as_str()), table))
            .collect::<HashMap<_, _>>();
        let metapages = data
            .metapages
            .iter()
            .map(|page| ((page.schema.as_str(), page.index.as_str()), page))
            .collect::<HashMap<_, _>>();
        let mut invalid = Vec::new();
        for index in &data.indexes {
            let key = (index.schema.as_str(), index.name.as_str());
            let table = by_name.get(&(index.schema.as_str(), index.table.as_str()));
            let Some(table) = table else { continue };
            let shape = shape(index, table, &columns, rows(table));
            let metapage = metapages.get(&key).copied();
            figures.extend(self.set_index(index, &shape, metapage, table)?);
            if let Some(object) = self.object(key.0, key.1).filter(|_| !index.is_valid) {
                invalid.push(object.oid);
            }
        }
        self.write_figures(&figures).await?;
        set_valid(&self.superuser, &invalid, false).await
    }

    fn set_table(&self, table: &TwinRelation) -> Result<Option<PgClassFigures>> {
        let Some(object) = self.object(&table.schema, &table.name) else {
            return Ok(None);
        };
        if let (Some(file), Some(pages)) = (&object.file, table.pages) {
            self.set_length(file, pages)?;
        }
        Ok(Some(PgClassFigures::of_table(object.oid, table, None)))
    }

    /// The file of an index: a new one where its first page says more than the one that was made, so
    /// that the server does not go on with the page that it has in memory.
    pub(super) fn set_index(
        &mut self,
        index: &TwinIndex,
        shape: &BtreeShape,
        metapage: Option<&Metapage>,
        table: &TwinRelation,
    ) -> Result<Option<PgClassFigures>> {
        let Some(object) = self.object(&index.schema, &index.name).cloned() else {
            return Ok(None);
        };
        let mut figures = PgClassFigures {
            oid: object.oid,
            relpages: index.relpages,
            reltuples: index.reltuples.clone(),
            relallvisible: 0,
            relfilenode: None,
        };
        let (Some(file), Some(pages)) = (&object.file, index.pages) else {
            return Ok(Some(figures));
        };
        if let Some(first) = self.first_pages(index, shape, metapage, table, file)? {
            let (number, new) = self.next_file(file);
            figures.relfilenode = Some(number);
            self.open(&new)?.write_all(&first).map_err(|error| unwritten(&new, &error))?;
            self.set_length(&new, pages)?;
            self.objects.insert(
                (index.schema.clone(), index.name.clone()),
                super::build::Object { file: Some(new), ..object },
            );
        } else {
            self.set_length(file, pages)?;
        }
        Ok(Some(figures))
    }

    fn first_pages(
        &self,
        index: &TwinIndex,
        shape: &BtreeShape,
        metapage: Option<&Metapage>,
        table: &TwinRelation,
        file: &str,
    ) -> Result<Option<Vec<u8>>> {
        let pages = index.pages.unwrap_or(0);
        match index.access_method.as_str() {
            "btree" => {
                let known = metapage.and_then(|page| page.height);
                let height = known.unwrap_or_else(|| btree_size::height(pages, shape));
                // A tree needs a page a level; an empty index has its metapage alone.
                let fits = pages >= u64::from(height) + 2;
                Ok(fits.then(|| pages::btree(height, true)))
            }
            "gin" => {
                let Some(counters) = metapage.and_then(|page| page.gin) else {
                    return Ok(None);
                };
                let mut first = self.read_first(file)?;
                pages::set_gin_counters(&mut first, counters);
                Ok(Some(first))
            }
            "brin" => {
                let mut first = self.read_first(file)?;
                pages::set_brin_map(&mut first, table.pages.unwrap_or(0));
                Ok(Some(first))
            }
            _ => Ok(None),
        }
    }

    /// The number and path of a file that is not there yet, beside this one.
    fn next_file(&mut self, beside: &str) -> (u32, String) {
        let number = self.next_file;
        self.next_file += 1;
        let path = Path::new(beside).with_file_name(number.to_string());
        (number, path.display().to_string())
    }

    /// Makes an empty file beside this one, and returns its number.
    pub(super) fn empty_file(&mut self, beside: &str) -> Result<u32> {
        let (number, path) = self.next_file(beside);
        self.set_length(&path, 0)?;
        Ok(number)
    }

    fn open(&self, file: &str) -> Result<std::fs::File> {
        self.sandbox.open_file(Path::new(file)).map_err(Failure::from)
    }

    fn read_first(&self, file: &str) -> Result<Vec<u8>> {
        let mut page = vec![0; PAGE];
        let mut open = self.open(file)?;
        open.seek(SeekFrom::Start(0))
            .and_then(|_| open.read_exact(&mut page))
            .map_err(|error| unwritten(file, &error))?;
        Ok(page)
    }

    /// Grows a file, and those behind it, without writing anything.
    pub(super) fn set_length(&self, file: &str, pages: u64) -> Result<()> {
        let (mut left, mut segment) = (pages, 0);
        loop {
            let name = match segment {
                0 => file.to_owned(),
                number => format!("{file}.{number}"),
            };
            let here = left.min(SEGMENT_PAGES);
            let open = self.open(&name)?;
            let bytes = here * PAGE as u64;
            let has = open.metadata().map_err(|error| unwritten(&name, &error))?.len();
            if has < bytes {
                open.set_len(bytes).map_err(|error| unwritten(&name, &error))?;
            }
            left -= here;
            segment += 1;
            if left == 0 {
                return Ok(());
            }
        }
    }

    pub(super) async fn write_figures(&self, figures: &[PgClassFigures]) -> Result<()> {
        let json =
            serde_json::to_string(figures).map_err(|error| Failure::from_error(Kind::Io, error))?;
        let sql = include_str!("../../sql/twin-build/figures.sql");
        ask(&self.superuser, sql, &[(&json, Type::TEXT)]).await.map(drop)
    }
}

fn unwritten(file: &str, error: &std::io::Error) -> Failure {
    Failure::new(Kind::Io, format!("the twin's file {file} cannot be written: {error}"))
}

/// As the planner estimates them: by the density as of the last VACUUM or ANALYZE, at today's length.
pub(super) fn rows(table: &TwinRelation) -> f64 {
    let (rows, then, now) = (table.rows(), table.relpages, table.pages.unwrap_or(0));
    if rows < 0.0 {
        return 0.0;
    }
    match (u32::try_from(then), u32::try_from(now)) {
        (Ok(then @ 1..), Ok(now)) => rows / f64::from(then) * f64::from(now),
        _ => rows,
    }
}

/// What the statistics tell of an index's columns.
pub(super) fn shape(
    index: &TwinIndex,
    table: &TwinRelation,
    columns: &Columns<'_>,
    rows: f64,
) -> BtreeShape {
    let shapes = index.keys.iter().map(|key| {
        let known = match &key.column {
            Some(column) => columns.get(&table.schema, &table.name, column),
            None => columns.get(&index.schema, &index.name, &key.attribute),
        };
        let distinct = known.and_then(|row| row.n_distinct.parse::<f64>().ok());
        let of = table.columns.iter().find(|column| Some(&column.name) == key.column.as_ref());
        ColumnShape {
            length: key.length,
            align: btree_size::alignment(&key.align),
            width: known.and_then(|row| u64::try_from(row.avg_width).ok()),
            distinct: distinct.map(|n| if n < 0.0 { -n * rows } else { n }),
            has_one_width: false,
            null_share: known.and_then(|row| row.null_frac.parse().ok()).unwrap_or(0.0),
            common: (0.0, 0.0),
            has_unequal_images: of.is_some_and(|column| has_unequal_images(&column.of)),
        }
    });
    BtreeShape {
        rows,
        is_unique: index.is_unique,
        key_count: index.key_count,
        columns: shapes.collect(),
        fill_percent: DEFAULT_FILL_PERCENT,
    }
}

/// Types whose equal values may have different bytes (btree_gin's and nbtree's documentation: 1.0 and
/// 1.00; -0 and 0).
fn has_unequal_images(of: &str) -> bool {
    ["numeric", "real", "double precision", "jsonb"]
        .iter()
        .any(|name| of.starts_with(name))
}
