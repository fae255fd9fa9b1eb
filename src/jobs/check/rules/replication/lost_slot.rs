use crate::facts::health::{Health, Slot};
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::{Found, Judged};
use crate::pg::name::quote_literal;

pub const RULE: Rule = Rule::LOST_SLOT;

pub fn judge(health: &Health) -> Judged {
    let slots = health.replication.slots.seen()?.iter();
    Ok(slots.filter(|slot| slot.is_lost()).map(finding).collect::<Found>())
}

fn finding(slot: &Slot) -> Finding {
    let why = match slot.invalidation_reason.as_deref() {
        None | Some("wal_removed") => "the server has removed WAL that it needs".to_owned(),
        Some("rows_removed") => "the server has removed rows that it needs".to_owned(),
        Some("wal_level_insufficient") => "wal_level is too low for it now".to_owned(),
        Some("idle_timeout") => "nobody read it for idle_replication_slot_timeout".to_owned(),
        Some(other) => format!("the server has given it up ({other})"),
    };
    Finding::new(&RULE, None, format!("the {} slot is lost: {why}", slot.kind))
        .about(&format!("replication slot {}", slot.name))
        .help("its standby or subscriber cannot go on and has to be set up anew, with a new slot")
        .command(format!("SELECT pg_drop_replication_slot({})", quote_literal(&slot.name)))
        .evidence("wal_status", slot.wal_status.as_deref())
        .evidence("invalidation_reason", slot.invalidation_reason.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::Replication;

    #[test]
    fn a_slot_is_lost_by_its_wal_or_for_another_reason() {
        let of = |wal_status: &str, reason: Option<&str>| {
            let slot = Slot {
                wal_status: Some(wal_status.to_owned()),
                invalidation_reason: reason.map(str::to_owned),
                ..Slot::default()
            };
            let replication =
                Replication { slots: Known::Known(vec![slot]), ..Replication::default() };
            judge(&Health { replication, ..Health::default() }).unwrap().findings.len()
        };
        assert_eq!([of("extended", None), of("lost", None)], [0, 1]);
        assert_eq!(of("reserved", Some("rows_removed")), 1);
    }
}
