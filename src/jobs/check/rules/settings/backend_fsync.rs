use crate::facts::health::{Checkpoints, Health};
use crate::findings::{Finding, Rule, Severity};
use crate::format::whole;
use crate::jobs::check::rules::{Found, Judged, since_reset};

pub const RULE: Rule = Rule::BACKEND_FSYNC;

/// So many a day are no accident.
const MANY_A_DAY: f64 = 1000.0;

pub fn judge(health: &Health) -> Judged {
    let checkpoints = health.io.checkpoints.seen()?.iter();
    Ok(checkpoints.filter(|it| it.backend_fsyncs > 0).map(finding).collect::<Found>())
}

fn finding(Checkpoints { backend_fsyncs: fsyncs, reset_seconds, .. }: &Checkpoints) -> Finding {
    let days = reset_seconds.map(|seconds| (seconds / 86_400.0).max(1.0));
    let is_often = days.is_some_and(|days| *fsyncs as f64 / days >= MANY_A_DAY);
    let message = format!(
        "sessions have flushed files themselves {} times {}",
        whole(*fsyncs),
        since_reset(*reset_seconds),
    );
    Finding::new(&RULE, None, message)
        .about(&"shared_buffers")
        .severity(if is_often { Severity::Warning } else { Severity::Info })
        .help("the checkpointer could not follow, and statements waited for the disk: it is too slow, or shared_buffers is very small")
        .evidence("backend_fsyncs", *fsyncs)
        .evidence("reset_seconds", *reset_seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_a_day_are_a_warning() {
        let of = |backend_fsyncs, reset_seconds| {
            let checkpoints =
                Checkpoints { backend_fsyncs, reset_seconds, ..Checkpoints::default() };
            finding(&checkpoints).severity
        };
        assert_eq!(of(500, Some(60.0)), Severity::Info);
        assert_eq!(of(5000, Some(1e8)), Severity::Info);
        assert_eq!(of(5000, Some(86_400.0)), Severity::Warning);
    }

    #[test]
    fn none_are_none() {
        let health = Health::default();
        assert_eq!(judge(&health).unwrap().findings, []);
    }
}
