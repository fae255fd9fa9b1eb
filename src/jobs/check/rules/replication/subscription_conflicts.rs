use crate::facts::health::{Health, SubscriptionErrors};
use crate::findings::{Finding, Rule};
use crate::format::count;
use crate::jobs::check::rules::{Found, Judged, NotJudged, since_reset};

pub const RULE: Rule = Rule::SUBSCRIPTION_CONFLICTS;

pub fn judge(health: &Health) -> Judged {
    let Some(subscriptions) = health.replication.subscription_errors.seen()? else {
        return Err(NotJudged::Skipped("PostgreSQL counts them since 18"));
    };
    if subscriptions.iter().any(|it| it.missing_rows.is_none()) {
        return Err(NotJudged::Skipped("PostgreSQL counts them since 18"));
    }
    Ok(subscriptions.iter().filter_map(finding).collect::<Found>())
}

fn finding(of: &SubscriptionErrors) -> Option<Finding> {
    let missing = of.missing_rows.filter(|missing| *missing > 0)?;
    let changes = count(
        usize::try_from(missing).unwrap_or(usize::MAX),
        "UPDATE or DELETE",
        "UPDATEs and DELETEs",
    );
    let message =
        format!("{changes} {} found no row here and did nothing", since_reset(of.reset_seconds));
    let finding = Finding::new(&RULE, None, message)
        .about(&format!("subscription {}", of.name))
        .help(
            "so the table here is not that of the publisher: somebody else writes to it, or its first copy was left out. The \
             server log names the rows. Compare the tables, or copy them anew; then SELECT pg_stat_reset_subscription_stats(NULL)",
        )
        .evidence("missing_rows", missing)
        .evidence("reset_seconds", of.reset_seconds);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::Replication;

    #[test]
    fn rows_that_were_not_there_are_told() {
        let of = |missing_rows| {
            let errors = SubscriptionErrors { missing_rows, ..SubscriptionErrors::default() };
            let replication = Replication {
                subscription_errors: Known::Known(Some(vec![errors])),
                ..Replication::default()
            };
            judge(&Health { replication, ..Health::default() })
        };
        assert_eq!(of(Some(0)).unwrap().findings, []);
        assert_eq!(of(Some(3)).unwrap().findings.len(), 1);
        assert!(matches!(of(None), Err(NotJudged::Skipped(_))));
    }
}
