//! What goes to other servers and comes from them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Partly, members};
use crate::facts::Known;
use crate::facts::health::{Archiver, Glance, Health, Replication, Slot, Standby, Subscription};
use crate::serve::list::{Row, Shape, Show, field};
use crate::serve::query::Order;

pub static REPLICATION: Shape = Shape {
    name: "replication",
    title: "Replication",
    fields: &[
        field("object", "name", Show::Text),
        field("kind", "kind", Show::Text),
        field("state", "state", Show::Word),
        field("behind_bytes", "not replayed", Show::Bytes),
        field("behind_seconds", "behind", Show::Seconds),
        field("retained_bytes", "WAL kept", Show::Bytes),
        field("safe_bytes", "lost after", Show::Bytes),
        field("inactive_seconds", "unused for", Show::Seconds),
        field("archived_seconds", "archived ago", Show::Seconds),
        field("failures", "failures", Show::Whole),
        field("synchronous", "synchronous", Show::YesNo),
        field("failed_seconds", "", Show::Seconds),
        field("wal_status", "", Show::Text),
        field("invalidation_reason", "", Show::Text),
        field("temporary", "", Show::YesNo),
        field("synced", "", Show::YesNo),
        field("place", "", Show::Whole),
    ],
    sort_by: "place",
    order: Order::Rising,
};

/// The server itself, its standbys, slots, archiver and subscriptions.
pub fn replication(health: &Health) -> Partly {
    let Replication { slots, standbys, archiver, subscriptions, .. } = &health.replication;
    let mode = health.settings.known().and_then(|it| it.get("archive_mode")?.value.clone());
    let mut found = Found::default();
    found.add("the server", &health.glance, server);
    found.add("standbys", standbys, standby);
    found.add("slots", slots, slot);
    found.add("the archiver", archiver, |it| of_archiver(it, mode.as_deref()));
    found.add("subscriptions", subscriptions, subscription);
    let rows = found.rows.into_iter().enumerate().map(|(at, row)| {
        let mut values = members(row);
        values.insert("place".to_owned(), at.into());
        Row { id: format!("{at:06}"), values: values.into() }
    });
    Partly { rows: Ok(Arc::new(rows.collect())), gaps: found.gaps }
}

#[derive(Default)]
struct Found {
    rows: Vec<Value>,
    gaps: Vec<String>,
}

impl Found {
    fn add<T>(&mut self, what: &str, known: &Known<Vec<T>>, row: impl Fn(&T) -> Value) {
        match known.seen() {
            Ok(all) => self.rows.extend(all.iter().map(row)),
            Err(why) => self.gaps.push(format!("{what}: {why}")),
        }
    }
}

fn server(glance: &Glance) -> Value {
    let behind = glance.replay_lag_bytes;
    json!({
        "object": "this server",
        "kind": if glance.in_recovery { "standby" } else { "primary" },
        "behind_bytes": behind,
        // Without traffic the age of the last transaction says nothing.
        "behind_seconds": glance.replay_seconds.filter(|_| behind.is_some_and(|it| it > 0)),
    })
}

fn standby(standby: &Standby) -> Value {
    json!({
        "object": standby.name,
        "kind": "standby",
        "state": if standby.is_streaming { "streaming" } else { "not streaming" },
        "synchronous": standby.is_synchronous,
        "behind_bytes": standby.behind_bytes,
        "behind_seconds": standby.behind_seconds,
    })
}

fn slot(slot: &Slot) -> Value {
    let state = match slot {
        slot if slot.is_lost() => "lost",
        Slot { is_active: true, .. } => "active",
        _ => "inactive",
    };
    json!({
        "object": slot.name,
        "kind": format!("{} slot", slot.kind),
        "state": state,
        "retained_bytes": slot.retained_bytes,
        "safe_bytes": slot.safe_bytes,
        "inactive_seconds": slot.inactive_seconds,
        "wal_status": slot.wal_status,
        "invalidation_reason": slot.invalidation_reason,
        "temporary": slot.is_temporary,
        "synced": slot.is_synced,
    })
}

/// `mode`: `archive_mode`, where it may be seen.
fn of_archiver(archiver: &Archiver, mode: Option<&str>) -> Value {
    let Archiver { failures, archived_seconds, failed_seconds } = archiver;
    let fails =
        failed_seconds.is_some_and(|failed| archived_seconds.is_none_or(|last| last > failed));
    let state = match mode {
        Some("off") => Some("off"),
        _ if fails => Some("failing"),
        _ if archived_seconds.is_some() => Some("archiving"),
        mode => mode,
    };
    json!({
        "object": "archiver",
        "kind": "archiver",
        "state": state,
        "archived_seconds": archived_seconds,
        "failed_seconds": failed_seconds,
        "failures": failures,
    })
}

fn subscription(subscription: &Subscription) -> Value {
    json!({
        "object": subscription.name,
        "kind": "subscription",
        "state": if subscription.is_enabled { "enabled" } else { "disabled" },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(row: &Value) -> &str {
        row["state"].as_str().unwrap()
    }

    #[test]
    fn the_last_attempt_tells_how_archiving_goes() {
        let of = |mode, archived_seconds, failed_seconds| {
            let archiver = Archiver { failures: 3, archived_seconds, failed_seconds };
            state(&of_archiver(&archiver, Some(mode))).to_owned()
        };
        assert_eq!(of("off", None, Some(5.0)), "off");
        assert_eq!(of("on", Some(9.0), Some(5.0)), "failing");
        assert_eq!(of("on", Some(5.0), Some(9.0)), "archiving");
        assert_eq!(of("always", None, None), "always");
    }

    #[test]
    fn a_slot_that_lost_its_wal_is_lost_whoever_reads_it() {
        let lost = Slot {
            is_active: true,
            wal_status: Some("lost".to_owned()),
            ..Slot::default()
        };
        assert_eq!(state(&slot(&lost)), "lost");
        assert_eq!(state(&slot(&Slot { wal_status: None, ..lost })), "active");
        assert_eq!(state(&slot(&Slot::default())), "inactive");
    }

    #[test]
    fn what_a_standby_has_replayed_is_not_behind() {
        let standby = Glance {
            in_recovery: true,
            replay_lag_bytes: Some(0),
            replay_seconds: Some(3600.0),
            ..Glance::default()
        };
        assert!(server(&standby)["behind_seconds"].is_null());
        let behind = Glance { replay_lag_bytes: Some(5), ..standby };
        assert_eq!(server(&behind)["behind_seconds"], 3600.0);
    }
}
