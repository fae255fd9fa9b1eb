use crate::facts::health::{Health, SubscriptionErrors};
use crate::findings::{Finding, Rule, Severity};
use crate::format::whole;
use crate::jobs::check::rules::{Found, Judged, NotJudged, since_reset};

pub const RULE: Rule = Rule::SUBSCRIPTION_ERRORS;

pub fn judge(health: &Health) -> Judged {
    let Some(errors) = health.replication.subscription_errors.seen()? else {
        return Err(NotJudged::Skipped("PostgreSQL counts them since 15"));
    };
    // What is disabled has a rule of its own.
    let wrong = errors.iter().filter(|it| it.is_enabled && it.apply_errors + it.sync_errors > 0);
    Ok(wrong.map(finding).collect::<Found>())
}

fn finding(of: &SubscriptionErrors) -> Finding {
    let message = format!(
        "replaying failed {} times and copying tables {} times {}; its worker {}",
        whole(of.apply_errors),
        whole(of.sync_errors),
        since_reset(of.reset_seconds),
        if of.is_running { "runs now" } else { "does not run now" },
    );
    Finding::new(&RULE, None, message)
        .about(&format!("subscription {}", of.name))
        .severity(if of.is_running { Severity::Info } else { Severity::Critical })
        .help(
            "after an error it begins again with the same transaction: nothing arrives until that succeeds, and the \
             publisher keeps WAL meanwhile; the server log says what fails",
        )
        .evidence("apply_errors", of.apply_errors)
        .evidence("sync_errors", of.sync_errors)
        .evidence("reset_seconds", of.reset_seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::Replication;

    #[test]
    fn errors_hurt_while_the_worker_is_not_there() {
        let of = |apply_errors, is_running, is_enabled| {
            let errors = SubscriptionErrors {
                apply_errors,
                is_running,
                is_enabled,
                ..SubscriptionErrors::default()
            };
            let replication = Replication {
                subscription_errors: Known::Known(Some(vec![errors])),
                ..Replication::default()
            };
            let health = Health { replication, ..Health::default() };
            judge(&health).unwrap().findings.first().map(|finding| finding.severity)
        };
        assert_eq!(of(0, false, true), None);
        assert_eq!(of(3, true, true), Some(Severity::Info));
        assert_eq!(of(3, false, true), Some(Severity::Critical));
        assert_eq!(of(3, false, false), None);
    }
}
