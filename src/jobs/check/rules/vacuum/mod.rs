//! Transaction ids, VACUUM and autovacuum.

use super::judges;

judges! {
    xid_wraparound, multixact_wraparound, multixact_members, vacuum_blocked, autovacuum_off, autovacuum_behind,
    autovacuum_starved, vacuum_scale, freeze_debt, toast_dead, few_hot_updates,
}

/// A table of that heap.
#[cfg(test)]
fn table_state(heap: crate::facts::Heap) -> crate::facts::TableState {
    let name = crate::pg::name::RelationName::qualified("public", "t");
    crate::facts::TableState {
        oid: 1,
        name,
        kind: crate::facts::RelationKind::Table,
        is_temporary: false,
        is_catalog: false,
        is_visible: true,
        owner: String::new(),
        may_maintain: true,
        parent: None,
        has_children: false,
        heap,
        toast: None,
        changed_since_analyze: 0,
        live_rows: 0,
        vacuumed_ago: None,
        analyzed_ago: None,
        missing_statistics: Vec::new(),
    }
}
