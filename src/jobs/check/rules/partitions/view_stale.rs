use crate::facts::health::{Health, RefreshInterval, View};
use crate::findings::{Finding, Rule, Severity};
use crate::format;
use crate::jobs::check::rules::Judged;
use crate::jobs::check::rules::partitions::by_refreshes;
use crate::shell::pgtend;

pub const RULE: Rule = Rule::VIEW_STALE;

/// One missed refresh is seen by whoever runs them.
const MISSED: f64 = 3.0;

pub fn judge(health: &Health) -> Judged {
    by_refreshes(health, "no history says how often the views are refreshed", finding)
}

fn finding(view: &View, interval: &RefreshInterval, usual: f64) -> Option<Finding> {
    if interval.ago_seconds <= MISSED * usual {
        return None;
    }
    let span = |seconds| format::seconds(seconds).map(format::nearest_span).unwrap_or_default();
    let message = format!(
        "the last refresh was {} ago; usually one comes every {}",
        span(interval.ago_seconds),
        span(usual),
    );
    let found = Finding::new(&RULE, None, message)
        .about(&view.object)
        .severity(Severity::Warning)
        .help("the job that refreshes it has stopped or fails: pgtend history --command refresh shows why")
        .command(pgtend("refresh", &view.object))
        .evidence("refreshed_ago_seconds", interval.ago_seconds)
        .evidence("usual_interval_seconds", usual);
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::check::rules::partitions::usual_seconds;

    #[test]
    fn what_is_usual_takes_a_few_refreshes_to_know() {
        let found = |refreshes, ago_seconds| {
            let interval = RefreshInterval {
                refreshes,
                interval_seconds: Some(3_600.0),
                ago_seconds,
                ..RefreshInterval::default()
            };
            usual_seconds(&interval)
                .is_some_and(|usual| finding(&View::default(), &interval, usual).is_some())
        };
        assert!(found(10, 20_000.0));
        assert!(!found(10, 7_000.0) && !found(2, 20_000.0));
    }
}
