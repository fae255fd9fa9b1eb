//! What the database has and no file declares.

use std::collections::HashSet;

use serde::Serialize;

use crate::escape_control::escape_control;
use crate::facts::inventory::{IndexUse, Inventory, InventoryTable};
use crate::facts::{Index, RelationKind};
use crate::format;
use crate::work::apply::plan::Filter;
use crate::work::plan::Plan;
use crate::work::refresh::plan::in_order;

/// An index or a materialized view that is not declared.
#[derive(Debug, Clone, Serialize)]
pub struct Undeclared {
    /// `index` or `materialized_view`.
    pub kind: &'static str,
    pub object: String,
    pub on: Option<String>,
    pub size_bytes: i64,
    /// Since the statistics were last reset; `None` of a view.
    pub scans: Option<i64>,
    pub counted_seconds: Option<f64>,
    /// What would be lost without it.
    pub needed_by: Vec<String>,
    /// What keeps the server from dropping it.
    pub kept_by: Option<String>,
    pub drop: String,
}

impl Undeclared {
    /// How large it is, how it was used, and what needs it.
    pub fn facts(&self) -> String {
        let mut words = vec![format::bytes(self.size_bytes)];
        if let Some(scans) = self.scans {
            let scans_words =
                format!("{} {}", format::whole(scans), if scans == 1 { "scan" } else { "scans" });
            let since = self.counted_seconds.and_then(format::seconds);
            words.push(match since {
                Some(since) => {
                    let since = format::span(since);
                    format!("{scans_words} in {since}")
                }
                None => format!("{scans_words} so far"),
            });
        }
        if !self.needed_by.is_empty() {
            words.push(format!("needed by {}", self.needed_by.join(", ")));
        }
        words.join(", ")
    }
}

/// What no step of the plan is about. Of a view that is not declared, its indexes go with it.
pub fn undeclared(inventory: &Inventory, plan: &Plan, filter: &Filter) -> Vec<Undeclared> {
    let declared = plan
        .steps
        .iter()
        .flat_map(|step| [Some(&step.object), step.found_as.as_ref()])
        .flatten()
        .collect::<HashSet<_>>();
    let mut found = Vec::new();
    let mut views = HashSet::new();
    // Whoever reads another one is dropped before it.
    for view in in_order(&inventory.views).into_iter().rev() {
        let Some(table) = inventory.tables.iter().find(|table| table.oid == view.oid) else {
            continue;
        };
        if declared.contains(&table.name) || !filter.wants_view(&table.name) {
            continue;
        }
        views.insert(view.oid);
        let readers = inventory
            .texts
            .get(&view.oid)
            .map(|text| text.readers.clone())
            .unwrap_or_default()
            .into_iter();
        found.push(Undeclared {
            kind: "materialized_view",
            object: table.name.to_string(),
            on: None,
            size_bytes: view.size_bytes,
            scans: None,
            counted_seconds: None,
            needed_by: readers.map(|reader| format!("the view {reader}")).collect(),
            kept_by: None,
            drop: format!("DROP MATERIALIZED VIEW {}", table.name),
        });
    }
    for table in inventory.tables.iter().filter(|table| !views.contains(&table.oid)) {
        let indexes = inventory
            .indexes
            .get(&table.oid)
            .into_iter()
            .flatten()
            .filter(|index| index.parent.is_none() && index.constraint.is_none())
            .filter(|index| !declared.contains(&index.name));
        let wanted = indexes.filter(|index| filter.wants_index(&index.name, &table.name));
        found.extend(wanted.map(|index| of_index(index, table, inventory.uses.get(&index.oid))));
    }
    found
}

fn of_index(index: &Index, table: &InventoryTable, used: Option<&IndexUse>) -> Undeclared {
    let concurrently = match table.kind {
        RelationKind::PartitionedTable => "",
        _ => "CONCURRENTLY ",
    };
    let mut needed_by = Vec::new();
    if index.shape.unique {
        needed_by.push("the uniqueness that it enforces".to_owned());
    }
    if index.belongings.is_replica_identity {
        needed_by.push("the replica identity".to_owned());
    }
    if index.belongings.is_clustered {
        needed_by.push("CLUSTER".to_owned());
    }
    let keys = used.map(|used| used.foreign_keys.as_slice()).unwrap_or_default();
    needed_by.extend(keys.iter().map(|key| format!("the foreign key {key}")));
    Undeclared {
        kind: "index",
        object: index.name.to_string(),
        on: Some(table.name.to_string()),
        size_bytes: used.map_or(index.size_bytes, |used| used.size_bytes),
        scans: used.map(|used| used.scans),
        counted_seconds: used.and_then(|used| used.counted_seconds),
        needed_by,
        kept_by: index.pinned_by.clone(),
        drop: format!("DROP INDEX {concurrently}{}", index.name),
    }
}

/// The DROP statements, each with its reason. What the server would refuse is a comment.
pub fn drops(undeclared: &[Undeclared]) -> String {
    let mut text = String::from(
        "-- What the database has and no file declares. Read it before you run it: pgtend drops nothing.\n\
         -- Scans are those of this server; look at the standbys, too.\n",
    );
    for one in undeclared {
        text.push_str(&format!("\n-- {}\n", escape_control(&one.facts())));
        let statement = escape_control(&one.drop);
        match &one.kept_by {
            // A name may hold a line end, behind which the statement would go on.
            Some(pin) => {
                let pin = escape_control(pin).into_owned();
                text.push_str(&format!("-- {statement};  kept by {pin}\n"));
            }
            None => text.push_str(&format!("{};\n", one.drop)),
        }
    }
    text
}
