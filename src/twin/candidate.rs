//! Indexes that production does not have. On a twin they are real, so every access method, expression
//! and predicate works; whether the planner sees one is a flag in the catalog.

use std::collections::{BTreeSet, HashMap};

use tokio_postgres::types::Type;

use super::build::{Twin, execute, load_objects, set_valid};
use super::data::{TwinIndex, TwinRelation};
use super::export::objects;
use super::files::{Columns, PgClassFigures, rows, shape};
use super::planner::Planned;
use crate::facts::Oid;
use crate::facts::btree_size;
use crate::facts::load::ask;
use crate::failure::{Failure, Result};
use crate::pg::name::{RelationName, quote_ident};

/// An index to try.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wish {
    /// The table, as SQL.
    pub table: String,
    pub is_unique: bool,
    /// All that follows the table's name.
    pub definition: String,
}

impl Wish {
    /// The statement that makes it, under this name or one that the server chooses.
    pub fn sql(&self, name: Option<&str>) -> String {
        let unique = if self.is_unique { "UNIQUE " } else { "" };
        let named = name.map(|name| format!("{} ", quote_ident(name))).unwrap_or_default();
        format!("CREATE {unique}INDEX {named}ON {} {}", self.table, self.definition)
    }
}

/// An index on trial: hidden from the planner until it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Its table, as the catalog names it.
    pub table: RelationName,
    /// As the server prints it, behind `USING`.
    pub definition: String,
    pub is_unique: bool,
    /// With those of the partitions.
    pub oids: Vec<Oid>,
    /// How large it would be, of all partitions.
    pub bytes: u64,
    /// How many rows it would hold, of all partitions.
    pub rows: f64,
    /// How many these tables hold.
    pub table_rows: f64,
    /// Its names in plans: its own, and those of the partitions.
    pub names: Vec<String>,
}

impl Candidate {
    /// Whether a plan that reads these indexes reads it.
    pub fn is_among(&self, indexes: &BTreeSet<String>) -> bool {
        self.names.iter().any(|name| indexes.contains(name))
    }

    /// Of nothing yet, on this table.
    pub fn on(table: RelationName) -> Self {
        Candidate {
            table,
            definition: String::new(),
            is_unique: false,
            oids: Vec::new(),
            bytes: 0,
            rows: 0.0,
            table_rows: 0.0,
            names: Vec::new(),
        }
    }
}

/// Names of candidates begin so.
const PREFIX: &str = "pgtend_candidate_";

impl Twin {
    /// Makes candidates while their tables look empty, and gives them the size that they would have.
    /// Each is hidden. `Err` in the list: why the server will not have it.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn add_candidates(
        &mut self,
        wishes: &[Wish],
    ) -> Result<Vec<std::result::Result<Candidate, String>>> {
        let tables = self.empty_files(wishes).await?;
        let mut made = Vec::new();
        for wish in wishes {
            let name = format!("{PREFIX}{}", self.next_candidate());
            made.push(match self.planner.execute(&wish.sql(Some(&name))).await {
                Ok(()) => Ok(name),
                Err(error) if error.sqlstate.is_none() => return Err(error.into_failure()),
                Err(error) => Err(error.to_string()),
            });
        }
        self.fill_files(tables).await?;
        execute(&self.superuser, "CHECKPOINT").await?;
        let mut sized = self.size_candidates(made.iter().flatten()).await?;
        let candidates = made.into_iter().map(|name| {
            name.and_then(|name| {
                sized
                    .remove(&name)
                    .ok_or_else(|| "it was not found after it was made".to_owned())
            })
        });
        Ok(candidates.collect())
    }

    fn next_candidate(&mut self) -> u32 {
        self.candidates += 1;
        self.candidates
    }

    /// CREATE INDEX reads the table: an empty file stands in for the long one meanwhile.
    async fn empty_files(&mut self, wishes: &[Wish]) -> Result<Vec<(Oid, u32)>> {
        let tables = wishes.iter().map(|wish| wish.table.as_str()).collect::<Vec<_>>();
        let sql = include_str!("../../sql/twin-build/table_trees.sql");
        let mut kept = Vec::new();
        let mut figures = Vec::new();
        for row in ask(&self.planner, sql, &[(&tables, Type::TEXT_ARRAY)]).await? {
            let (oid, file): (Oid, String) = (row.get("oid"), row.get("file"));
            kept.push((oid, row.get("filenode")));
            figures.push((oid, self.empty_file(&file)?));
        }
        self.set_filenodes(&figures).await?;
        Ok(kept)
    }

    /// The long files again; and CREATE INDEX has written 0 rows into pg_class.
    async fn fill_files(&mut self, tables: Vec<(Oid, u32)>) -> Result<()> {
        let data = self.data.clone();
        let known = data
            .relations
            .iter()
            .filter_map(|relation| {
                let object = self.object(&relation.schema, &relation.name)?;
                Some((object.oid, relation))
            })
            .collect::<HashMap<Oid, &TwinRelation>>();
        let figures = tables
            .into_iter()
            .filter_map(|(oid, filenode)| {
                let table = known.get(&oid)?;
                Some(PgClassFigures::of_table(oid, table, Some(filenode)))
            })
            .collect::<Vec<_>>();
        self.write_figures(&figures).await
    }

    pub(super) async fn set_filenodes(&self, figures: &[(Oid, u32)]) -> Result<()> {
        let (oids, filenodes): (Vec<Oid>, Vec<Oid>) = figures.iter().copied().unzip();
        let sql = include_str!("../../sql/twin-build/filenodes.sql");
        ask(&self.superuser, sql, &[(&oids, Type::OID_ARRAY), (&filenodes, Type::OID_ARRAY)])
            .await
            .map(drop)
    }

    async fn size_candidates(
        &mut self,
        names: impl Iterator<Item = &String>,
    ) -> Result<HashMap<String, Candidate>> {
        self.objects.extend(load_objects(&self.superuser).await?);
        let names = names.cloned().collect::<Vec<_>>();
        let sql = include_str!("../../sql/twin-build/candidate_trees.sql");
        let mut members: HashMap<Oid, String> = HashMap::new();
        let mut tables = Vec::new();
        for row in ask(&self.superuser, sql, &[(&names, Type::TEXT_ARRAY)]).await? {
            members.insert(row.get("oid"), row.get("root"));
            tables.push(row.get::<_, Oid>("table_oid"));
        }
        tables.sort_unstable();
        tables.dedup();
        let indexes: Vec<TwinIndex> =
            objects(&self.superuser, include_str!("../../sql/twin/indexes.sql"), &tables).await?;
        let mut candidates: HashMap<String, Candidate> = HashMap::new();
        let mut figures = Vec::new();
        let data = self.data.clone();
        let columns = Columns::of(&data.column_statistics);
        let relations = data.relations.iter();
        let relations = relations
            .map(|relation| ((relation.schema.as_str(), relation.name.as_str()), relation))
            .collect::<HashMap<_, _>>();
        for index in indexes {
            let Some(object) = self.object(&index.schema, &index.name).cloned() else {
                continue;
            };
            let Some(root) = members.get(&object.oid) else {
                continue;
            };
            let table = relations.get(&(index.schema.as_str(), index.table.as_str())).copied();
            let Some(table) = table else { continue };
            let (sized, figure) = self.sized(index, table, &columns).await?;
            figures.extend(figure);
            let candidate = candidates.entry(root.clone()).or_insert_with(|| Candidate {
                is_unique: sized.is_unique,
                ..Candidate::on(RelationName::qualified(&table.schema, &table.name))
            });
            candidate.oids.push(object.oid);
            if sized.pages.is_some() {
                candidate.rows += sized.reltuples.parse().unwrap_or(0.0);
                candidate.table_rows += rows(table);
            }
            candidate.bytes += sized.pages.unwrap_or(0) * super::pages::PAGE as u64;
            candidate.names.push(sized.name.clone());
            if sized.name == *root {
                candidate.definition = sized.behind_using();
                candidate.table = RelationName::qualified(&table.schema, &table.name);
            }
        }
        self.write_figures(&figures).await?;
        let hidden = candidates.values().flat_map(|candidate| candidate.oids.iter().copied());
        set_valid(&self.superuser, &hidden.collect::<Vec<_>>(), false).await?;
        Ok(candidates)
    }

    /// An index with the size that it would have, and its figures.
    pub(super) async fn sized(
        &mut self,
        mut index: TwinIndex,
        table: &TwinRelation,
        columns: &Columns<'_>,
    ) -> Result<(TwinIndex, Option<PgClassFigures>)> {
        if index.kind != "i" {
            return Ok((index, None));
        }
        let all = rows(table);
        let rows = match index.is_partial {
            true => self.rows_where(&index, table).await?.unwrap_or(all),
            false => all,
        };
        let shape = shape(&index, table, columns, rows);
        let pages = match index.access_method.as_str() {
            "btree" => btree_size::btree(&shape).pages,
            other => btree_size::other(other, rows, table.pages.unwrap_or(0), &shape),
        };
        index.pages = Some(pages);
        index.relpages = i64::try_from(pages).unwrap_or(i64::MAX);
        index.reltuples = rows.to_string();
        let figures = self.set_index(&index, &shape, None, table)?;
        Ok((index, figures))
    }

    /// How many rows a partial index would hold, as the planner estimates them.
    async fn rows_where(&self, index: &TwinIndex, table: &TwinRelation) -> Result<Option<f64>> {
        let Some((_, predicate)) = index.definition.rsplit_once(" WHERE ") else {
            return Ok(None);
        };
        let table = super::ddl::qualified(&table.schema, &table.name);
        let text = format!("SELECT FROM ONLY {table} WHERE {predicate}");
        let name = format!("rows_{}", self.next_file);
        let Ok(prepared) = self.prepare(&name, &text).await? else {
            return Ok(None);
        };
        let planned = self.generic_plan(&prepared).await?;
        Ok(match planned {
            Planned::Plan(plan, _) => {
                plan.pointer("/0/Plan/Plan Rows").and_then(serde_json::Value::as_f64)
            }
            Planned::Not(_) => None,
        })
    }

    /// An index as the planner's switch knows it.
    pub fn oids_of(&self, schema: &str, name: &str) -> Vec<Oid> {
        self.object(schema, name).map(|object| object.oid).into_iter().collect()
    }

    /// A table and the partitioned tables above it.
    pub fn with_parents(&self, table: (String, String)) -> Vec<(String, String)> {
        let mut all = vec![table];
        let mut at = 0;
        while let Some((schema, name)) = all.get(at).cloned() {
            let known = self.relation(&schema, &name);
            let parents = known.into_iter().flat_map(|relation| &relation.parents);
            for parent in parents.map(|parent| (parent.schema.clone(), parent.name.clone())) {
                if !all.contains(&parent) {
                    all.push(parent);
                }
            }
            at += 1;
        }
        all
    }

    /// How many rows a table has; `None`: not known.
    pub fn rows_of(&self, table: &RelationName) -> Option<f64> {
        self.relation(table.schema.as_deref()?, &table.name).map(rows)
    }

    fn relation(&self, schema: &str, name: &str) -> Option<&TwinRelation> {
        let relations = &self.data.relations;
        relations
            .iter()
            .find(|relation| relation.schema == schema && relation.name == name)
    }

    /// The indexes of this name, or of this schema and name, and those of their partitions.
    ///
    /// # Errors
    /// `Usage` where there is none.
    pub async fn existing_index(&self, name: &RelationName) -> Result<Vec<Oid>> {
        let found = self.data.indexes.iter().filter(|index| {
            index.name == name.name && name.schema.as_ref().is_none_or(|of| *of == index.schema)
        });
        let (schemas, names): (Vec<&str>, Vec<&str>) =
            found.map(|index| (index.schema.as_str(), index.name.as_str())).unzip();
        if names.is_empty() {
            return Err(Failure::usage(format!(
                "--hide {name}: the tables that the statements read have no such index"
            )));
        }
        let sql = include_str!("../../sql/twin-build/index_trees.sql");
        let rows = ask(
            &self.superuser,
            sql,
            &[(&schemas, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY)],
        )
        .await?;
        Ok(rows.iter().map(|row| row.get("oid")).collect())
    }
}
