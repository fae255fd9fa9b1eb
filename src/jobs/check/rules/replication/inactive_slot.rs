use crate::facts::health::{Health, Slot};
use crate::findings::{Finding, Rule, Severity};
use crate::format::bytes;
use crate::jobs::check::rules::{Found, Judged, span};
use crate::pg::name::quote_literal;

pub const RULE: Rule = Rule::INACTIVE_SLOT;

/// What a standby or subscriber that restarts leaves behind for a moment.
const SMALL: i64 = 64 << 20;
/// WAL that no disk has been planned for.
const LARGE: i64 = 16 << 30;
const HUGE: i64 = 100 << 30;
const LONG_SECONDS: f64 = 86_400.0;

pub fn judge(health: &Health) -> Judged {
    let slots = health.replication.slots.seen()?;
    let is_standby = health.is_standby()?;
    // A standby reads its copies of the primary's slots never, and a session's own slot goes with it.
    let idle = slots.iter().filter(|slot| {
        let is_copy = is_standby && slot.is_synced;
        !slot.is_active && !slot.is_temporary && !is_copy && !slot.is_lost()
    });
    Ok(idle.filter_map(finding).collect::<Found>())
}

fn finding(slot: &Slot) -> Option<Finding> {
    let retained = slot.retained_bytes.unwrap_or(0);
    let is_long = slot.inactive_seconds.is_some_and(|seconds| seconds >= LONG_SECONDS);
    if retained < SMALL && !is_long {
        return None;
    }
    let since = slot.inactive_seconds.map_or_else(String::new, |it| format!(" for {}", span(it)));
    let message = format!(
        "nobody has read the {} slot{since}; it keeps {} of WAL",
        slot.kind,
        bytes(retained)
    );
    let (severity, consequence) = outlook(slot, retained);
    let finding = Finding::new(&RULE, None, message)
        .about(&format!("replication slot {}", slot.name))
        .severity(severity)
        .help(format!("{consequence}; drop it if its reader is gone for good"))
        .command(format!("SELECT pg_drop_replication_slot({})", quote_literal(&slot.name)))
        .evidence("retained_bytes", retained)
        .evidence("safe_bytes", slot.safe_bytes)
        .evidence("inactive_seconds", slot.inactive_seconds)
        .evidence("wal_status", slot.wal_status.as_deref());
    Some(finding)
}

fn outlook(slot: &Slot, retained: i64) -> (Severity, String) {
    match slot.safe_bytes {
        Some(safe) if safe <= 0 || slot.wal_status.as_deref() == Some("unreserved") => (
            Severity::Critical,
            "the next checkpoint removes WAL that it needs, and its reader cannot go on".to_owned(),
        ),
        Some(safe) => (
            Severity::Info,
            format!("after {} more its WAL is removed, and its reader cannot go on", bytes(safe)),
        ),
        None => {
            let severity = match retained {
                HUGE.. => Severity::Critical,
                LARGE.. => Severity::Warning,
                _ => Severity::Info,
            };
            let why = "max_slot_wal_keep_size is -1, so it keeps WAL until the disk is full";
            (severity, why.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::{Glance, Replication};

    fn of(slot: Slot, in_recovery: bool) -> Option<Severity> {
        let slots = Known::Known(vec![slot]);
        let health = Health {
            glance: Known::Known(vec![Glance { in_recovery, ..Glance::default() }]),
            replication: Replication { slots, ..Replication::default() },
            ..Health::default()
        };
        judge(&health).unwrap().findings.first().map(|finding| finding.severity)
    }

    fn slot(retained: i64, safe_bytes: Option<i64>) -> Slot {
        Slot { retained_bytes: Some(retained), safe_bytes, ..Slot::default() }
    }

    #[test]
    fn the_worse_the_more_it_keeps() {
        assert_eq!(of(slot(1 << 20, None), false), None);
        assert_eq!(of(slot(1 << 30, None), false), Some(Severity::Info));
        assert_eq!(of(slot(20 << 30, None), false), Some(Severity::Warning));
        assert_eq!(of(slot(200 << 30, None), false), Some(Severity::Critical));
        assert_eq!(of(slot(20 << 30, Some(1 << 30)), false), Some(Severity::Info));
        assert_eq!(of(slot(20 << 30, Some(-1)), false), Some(Severity::Critical));
    }

    #[test]
    fn what_is_read_or_is_a_copy_is_no_finding() {
        let large = || slot(200 << 30, None);
        assert_eq!(of(Slot { is_active: true, ..large() }, false), None);
        assert_eq!(of(Slot { is_temporary: true, ..large() }, false), None);
        assert_eq!(of(Slot { is_synced: true, ..large() }, true), None);
        assert_eq!(of(Slot { is_synced: true, ..large() }, false), Some(Severity::Critical));
        assert_eq!(of(Slot { wal_status: Some("lost".to_owned()), ..large() }, false), None);
    }
}
