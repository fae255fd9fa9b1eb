//! From what the database has to the files that declare it.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::statements::{comment, create_index, create_view};
use crate::escape_control::escape_control;
use crate::facts::inventory::{Inventory, InventoryTable};
use crate::facts::{Index, RelationKind};
use crate::failure::{Failure, Result};
use crate::format;
use crate::pg::name::{RelationName, quote_ident};
use crate::pg::name_pattern::NamePattern;
use crate::warning::Warning;
use crate::work::refresh::plan::in_order;

/// A smaller index costs little, used or not.
const LARGE_BYTES: i64 = 10 << 20;
/// What is needed once a month has had its turn.
const LONG_SECONDS: f64 = 30.0 * 86_400.0;
/// So much of a name stands in a file's name.
const NAME_SHOWN: usize = 80;

/// Which tables and views; nothing given means all.
#[derive(Debug, Default)]
pub struct AdoptSelection {
    pub schemas: Vec<glob::Pattern>,
    pub tables: Vec<NamePattern>,
}

#[derive(Debug, Default)]
pub struct Adoption {
    pub files: Vec<AdoptedFile>,
    /// `invalid-index`, `redundant_index`, `unused_index`, `table-locked`.
    pub warnings: Vec<Warning>,
}

/// A file to write.
#[derive(Debug, Serialize)]
pub struct AdoptedFile {
    /// Below the folder.
    pub path: String,
    /// What a reader should know.
    #[serde(skip)]
    pub notes: Vec<String>,
    pub objects: Vec<Adopted>,
}

/// Something that is declared.
#[derive(Debug, Serialize)]
pub struct Adopted {
    /// `index`, `materialized_view` or `comment`.
    pub kind: &'static str,
    pub object: String,
    pub on: Option<String>,
    pub sql: String,
}

impl AdoptedFile {
    pub fn text(&self) -> String {
        let mut text = String::new();
        for note in &self.notes {
            // Names may hold line ends, behind which a statement would begin.
            text.push_str(&format!("-- {}\n", escape_control(note)));
        }
        for Adopted { sql, .. } in &self.objects {
            text.push_str(&format!("\n{sql};\n"));
        }
        text
    }
}

impl AdoptSelection {
    fn lets_through(&self, table: &RelationName) -> bool {
        let schema = table.schema.as_deref().unwrap_or_default();
        let by_schema =
            self.schemas.is_empty() || self.schemas.iter().any(|pattern| pattern.matches(schema));
        let by_name = self.tables.is_empty()
            || self.tables.iter().any(|pattern| pattern.matches(table, true));
        by_schema && by_name
    }

    /// A mistyped pattern would be a database without indexes.
    fn require_fitting(&self, inventory: &Inventory) -> Result<()> {
        let names = || inventory.tables.iter().map(|table| &table.name);
        let schema = |name: &RelationName| name.schema.clone().unwrap_or_default();
        let unfit = self.schemas.iter().find(|it| !names().any(|name| it.matches(&schema(name))));
        if let Some(pattern) = unfit {
            let message = format!("--schema {pattern}: no schema with a table matches");
            return Err(Failure::usage(message));
        }
        match self.tables.iter().find(|it| !names().any(|name| it.matches(name, true))) {
            Some(pattern) => {
                Err(Failure::usage(format!("--table {pattern}: no table or view matches")))
            }
            None => Ok(()),
        }
    }
}

/// The files: those of tables first, then those of views, in the order in which they read each
/// other.
///
/// # Errors
/// `Usage` where a pattern fits nothing.
pub fn adopt(inventory: &Inventory, selection: &AdoptSelection) -> Result<Adoption> {
    selection.require_fitting(inventory)?;
    let mut adopter = Adopter {
        inventory,
        adoption: Adoption::default(),
        names: HashSet::new(),
    };
    let chosen = inventory.tables.iter().filter(|table| selection.lets_through(&table.name));
    let mut views = HashMap::new();
    for table in chosen {
        match table.kind {
            RelationKind::MaterializedView => _ = views.insert(table.oid, table),
            _ => adopter.table(table),
        }
    }
    let ordered = in_order(&inventory.views)
        .into_iter()
        .filter_map(|view| views.get(&view.oid).map(|table| (*table, view.is_populated)));
    for (at, (table, is_populated)) in ordered.enumerate() {
        adopter.view(table, at + 1, is_populated);
    }
    Ok(adopter.adoption)
}

struct Adopter<'i> {
    inventory: &'i Inventory,
    adoption: Adoption,
    names: HashSet<String>,
}

impl<'i> Adopter<'i> {
    fn table(&mut self, table: &'i InventoryTable) {
        let mut notes = vec![format!("Indexes of {}.", table.name)];
        let objects = self.indexes(table, &mut notes);
        if !objects.is_empty() {
            let path = self.path("tables/", &table.name);
            self.adoption.files.push(AdoptedFile { path, notes, objects });
        }
    }

    fn view(&mut self, table: &'i InventoryTable, number: usize, is_populated: bool) {
        let Some(text) = self.inventory.texts.get(&table.oid) else {
            return;
        };
        let mut notes = vec![format!("The materialized view {} and its indexes.", table.name)];
        for (what, names) in [
            ("It reads plain views, which pgtend does not create", &text.plain_views),
            ("It calls functions, which pgtend does not create", &text.functions),
        ] {
            if !names.is_empty() {
                notes.push(format!("{what}: {}.", names.join(", ")));
            }
        }
        let object = table.name.to_string();
        let adopted = |kind, sql| Adopted { kind, object: object.clone(), on: None, sql };
        let create = create_view(&table.name, text, is_populated);
        let mut objects = vec![adopted("materialized_view", create)];
        if let Some(said) = &text.comment {
            let sql = comment("MATERIALIZED VIEW", &table.name, said);
            objects.push(adopted("comment", sql));
        }
        objects.extend(self.indexes(table, &mut notes));
        let path = self.path(&format!("views/{number:03}_"), &table.name);
        self.adoption.files.push(AdoptedFile { path, notes, objects });
    }

    fn indexes(&mut self, table: &'i InventoryTable, notes: &mut Vec<String>) -> Vec<Adopted> {
        if self.inventory.locked.contains(&table.oid) {
            let message =
                "another session has locked it, so its indexes are not adopted; run again";
            self.warn("table-locked", &table.name, message.to_owned());
        }
        let indexes = self.inventory.indexes.get(&table.oid).map_or(&[][..], Vec::as_slice);
        let mut objects = Vec::new();
        for (at, index) in indexes.iter().enumerate().filter(|(_, index)| index.parent.is_none()) {
            if index.constraint.is_none() {
                if !index.is_whole() {
                    let message = "not adopted: it is invalid, or being built; pgtend reindex \
                                   rebuilds it, DROP INDEX CONCURRENTLY drops it";
                    self.warn("invalid-index", &index.name, message.to_owned());
                    continue;
                }
                let Some(sql) = create_index(index, table) else {
                    continue;
                };
                objects.push(Adopted {
                    kind: "index",
                    object: index.name.to_string(),
                    on: Some(table.name.to_string()),
                    sql,
                });
                notes.extend(not_declared(index));
                self.judge(index, indexes, at);
            }
            if let Some(said) = &index.comment {
                objects.push(Adopted {
                    kind: "comment",
                    object: index.name.to_string(),
                    on: Some(table.name.to_string()),
                    sql: comment("INDEX", &index.name, said),
                });
            }
        }
        objects
    }

    /// Says what is wrong with an index that is adopted all the same.
    fn judge(&mut self, index: &Index, indexes: &[Index], at: usize) {
        let does_the_same = |(other_at, other): &(usize, &Index)| {
            other.is_whole()
                && other.shape.definition == index.shape.definition
                && (other.shape.unique || !index.shape.unique)
                // Of two equal ones the first is not superfluous.
                && (other.constraint.is_some() || other.shape.unique != index.shape.unique || *other_at < at)
                && *other_at != at
        };
        if let Some((_, other)) = indexes.iter().enumerate().find(does_the_same) {
            let message = match &other.constraint {
                Some(constraint) => {
                    format!("the constraint {} does all that it does", quote_ident(constraint))
                }
                None => format!("{} does all that it does", other.name),
            };
            self.warn("redundant_index", &index.name, message);
            return;
        }
        let Some(used) = self.inventory.uses.get(&index.oid) else {
            return;
        };
        let counted = used.counted_seconds.unwrap_or_default();
        let is_needed = index.shape.unique || index.pinned_by.is_some();
        if used.scans == 0
            && used.size_bytes >= LARGE_BYTES
            && counted >= LONG_SECONDS
            && !is_needed
        {
            let days = (counted / 86_400.0).floor();
            let size = format::bytes(used.size_bytes);
            let message = format!(
                "no query has used its {size} for {days} days; look at the standbys, too, before you \
                 drop it"
            );
            self.warn("unused_index", &index.name, message);
        }
    }

    fn warn(&mut self, rule: &'static str, object: &RelationName, message: String) {
        self.adoption
            .warnings
            .push(Warning { rule, object: object.to_string(), message });
    }

    /// A file's name that every file system takes, and no other has.
    fn path(&mut self, prefix: &str, name: &RelationName) -> String {
        let safe = |text: &str| {
            let safe = |c: char| if c.is_alphanumeric() || c == '-' { c } else { '_' };
            text.chars().take(NAME_SHOWN).map(safe).collect::<String>()
        };
        let schema = safe(name.schema.as_deref().unwrap_or_default());
        let stem = format!("{prefix}{schema}.{}", safe(&name.name));
        let mut path = format!("{stem}.sql");
        let mut number = 2;
        while !self.names.insert(path.to_lowercase()) {
            path = format!("{stem}_{number}.sql");
            number += 1;
        }
        path
    }
}

/// What the index has and no CREATE INDEX can say.
fn not_declared(index: &Index) -> Option<String> {
    let own = &index.belongings;
    let parts = [
        (!own.statistics.is_empty(), "statistics targets"),
        (own.is_clustered, "the mark of CLUSTER"),
        (own.is_replica_identity, "being the replica identity"),
    ];
    let has = parts
        .into_iter()
        .filter_map(|(is_there, what)| is_there.then_some(what))
        .collect::<Vec<_>>();
    (!has.is_empty()).then(|| format!("Not declared here, of {}: {}.", index.name, has.join(", ")))
}
