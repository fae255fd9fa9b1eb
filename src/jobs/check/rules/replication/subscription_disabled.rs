use crate::facts::health::{Health, Subscription};
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::{Found, Judged};

pub const RULE: Rule = Rule::SUBSCRIPTION_DISABLED;

pub fn judge(health: &Health) -> Judged {
    let subscriptions = health.replication.subscriptions.seen()?.iter();
    Ok(subscriptions.filter(|it| !it.is_enabled).map(finding).collect::<Found>())
}

fn finding(Subscription { name, .. }: &Subscription) -> Finding {
    Finding::new(&RULE, None, "the subscription is disabled: nothing arrives by it")
        .about(&format!("subscription {name}"))
        .help("its slot on the publisher keeps WAL until the disk is full; enable it, or drop it with its slot")
        .command(format!("ALTER SUBSCRIPTION {name} ENABLE"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::Replication;

    #[test]
    fn only_what_is_disabled() {
        let of = |is_enabled| {
            let subscription = Subscription { name: "s".to_owned(), is_enabled };
            let replication = Replication {
                subscriptions: Known::Known(vec![subscription]),
                ..Replication::default()
            };
            judge(&Health { replication, ..Health::default() }).unwrap().findings.len()
        };
        assert_eq!([of(true), of(false)], [0, 1]);
    }
}
