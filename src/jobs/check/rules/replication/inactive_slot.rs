use crate::facts::health::{Health, Slot};
use crate::facts::measures::MeasureKind;
use crate::facts::trend::{Limit, Rate};
use crate::findings::{Finding, Rule, Severity};
use crate::format::bytes;
use crate::jobs::check::rules::{Found, Judged, span, urgency};
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
    let written = health.trends.known().and_then(|it| it.rate(MeasureKind::WalPosition, "server"));
    Ok(idle.filter_map(|slot| finding(slot, written)).collect::<Found>())
}

/// `written`: WAL, all of which a slot keeps that nobody reads.
fn finding(slot: &Slot, written: Option<Rate>) -> Option<Finding> {
    let retained = slot.retained_bytes.unwrap_or(0);
    let is_long = slot.inactive_seconds.is_some_and(|seconds| seconds >= LONG_SECONDS);
    if retained < SMALL && !is_long {
        return None;
    }
    let since = slot
        .inactive_seconds
        .map_or_else(String::new, |it| format!(" for {}", span(it)));
    let message = format!(
        "nobody has read the {} slot{since}; it keeps {} of WAL",
        slot.kind,
        bytes(retained)
    );
    let (severity, consequence) = outlook(slot, retained, written);
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

fn outlook(slot: &Slot, retained: i64, written: Option<Rate>) -> (Severity, String) {
    match slot.safe_bytes {
        Some(safe) if safe <= 0 || slot.wal_status.as_deref() == Some("unreserved") => (
            Severity::Critical,
            "the next checkpoint removes WAL that it needs, and its reader cannot go on".to_owned(),
        ),
        Some(safe) => {
            let forecast = written.map(|rate| rate.until(0, Limit::AtMost(safe)));
            let when = forecast.map_or_else(String::new, |forecast| format!(" {forecast}"));
            let why = format!(
                "after {} more its WAL is removed{when}, and its reader cannot go on",
                bytes(safe)
            );
            (forecast.as_ref().and_then(urgency::of).unwrap_or(Severity::Info), why)
        }
        None => {
            let by_size = match retained {
                HUGE.. => Severity::Critical,
                LARGE.. => Severity::Warning,
                _ => Severity::Info,
            };
            let forecast = written.map(|rate| rate.until(retained, Limit::AtMost(HUGE)));
            // How large the disk is the server does not say.
            let soon = forecast.as_ref().and_then(urgency::of).map(|it| it.min(Severity::Warning));
            let to_come = forecast.filter(|it| retained < HUGE && it.left().is_some());
            let when = to_come.map_or_else(String::new, |forecast| {
                format!(": it will be {} {forecast}", bytes(HUGE))
            });
            let why = "max_slot_wal_keep_size is -1, so it keeps WAL until the disk is full";
            (by_size.max(soon.unwrap_or(by_size)), format!("{why}{when}"))
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
        Slot {
            retained_bytes: Some(retained),
            safe_bytes,
            ..Slot::default()
        }
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

    #[test]
    fn how_fast_wal_is_written_tells_how_long_there_is() {
        let over = std::time::Duration::from_secs(7 * 86_400);
        let of =
            |slot: &Slot, per_second: f64| finding(slot, Some(Rate { per_second, over })).unwrap();
        // 1 GiB is left, and 1 MiB a second is written: 17 minutes.
        let limited = slot(1 << 30, Some(1 << 30));
        let soon = of(&limited, f64::from(1 << 20));
        assert_eq!(soon.severity, Severity::Critical);
        let help = soon.help.unwrap();
        assert!(help.contains("in 17 min, at the rate of the last 7 days"), "{help}");
        assert_eq!(of(&limited, 1000.0).severity, Severity::Warning);
        assert_eq!(of(&limited, 1.0).severity, Severity::Info);
        let unlimited = of(&slot(1 << 30, None), f64::from(1 << 20));
        assert_eq!(unlimited.severity, Severity::Warning);
        assert!(unlimited.help.unwrap().contains("GiB in 28 h, at the rate"));
        assert_eq!(of(&slot(1 << 30, None), 0.0).severity, Severity::Info);
    }
}
