use crate::facts::health::{Checkpoints, Health};
use crate::findings::{Finding, Rule};
use crate::format::whole;
use crate::jobs::check::rules::{Found, Judged, since_reset};

pub const RULE: Rule = Rule::FORCED_CHECKPOINTS;

/// Fewer say nothing: a restart, a backup or a new database requests one, too.
const FEW: i64 = 10;
const MANY: f64 = 0.3;

pub fn judge(health: &Health) -> Judged {
    let checkpoints = health.io.checkpoints.seen()?.iter();
    Ok(checkpoints.filter_map(finding).collect::<Found>())
}

fn finding(checkpoints: &Checkpoints) -> Option<Finding> {
    let Checkpoints { timed, requested, reset_seconds, .. } = checkpoints;
    let share = *requested as f64 / (timed + requested) as f64;
    if *requested < FEW || share <= MANY {
        return None;
    }
    let message = format!(
        "{} of {} checkpoints {} were requested, {:.0} %",
        whole(*requested),
        whole(timed + requested),
        since_reset(*reset_seconds),
        share * 100.0,
    );
    let finding = Finding::new(&RULE, None, message)
        .about(&"max_wal_size")
        .help(
            "most often more than max_wal_size was written before checkpoint_timeout was over; each checkpoint writes all \
             changed pages, and WAL grows after it",
        )
        .command("ALTER SYSTEM SET max_wal_size = …")
        .evidence("requested_checkpoints", *requested)
        .evidence("timed_checkpoints", *timed)
        .evidence("reset_seconds", *reset_seconds);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_is_much() {
        let of = |timed, requested| {
            finding(&Checkpoints { timed, requested, ..Checkpoints::default() }).is_some()
        };
        assert!(!of(0, 5));
        assert!(!of(100, 20));
        assert!(of(20, 20));
    }
}
