use std::time::Duration;

use crate::facts::health::{Health, RefreshInterval, View};
use crate::findings::{Finding, Rule};
use crate::format;
use crate::jobs::check::rules::Judged;
use crate::jobs::check::rules::partitions::by_refreshes;

pub const RULE: Rule = Rule::VIEW_SLOW_REFRESH;

/// Of the time from one to the next.
const MOST: f64 = 0.5;
/// What is refreshed more often is meant to be refreshed all the time.
const SHORT_SECONDS: f64 = 300.0;

pub fn judge(health: &Health) -> Judged {
    by_refreshes(health, "no history says how long the views take", finding)
}

fn finding(view: &View, interval: &RefreshInterval, usual: f64) -> Option<Finding> {
    let took = interval.took_seconds?;
    if usual < SHORT_SECONDS || took < MOST * usual {
        return None;
    }
    let short = |seconds| format::duration(format::seconds(seconds).unwrap_or(Duration::ZERO));
    let message = format!("a refresh takes {}, and one comes every {}", short(took), short(usual),);
    let found = Finding::new(&RULE, None, message)
        .about(&view.object)
        .help(
            "soon one is not done before the next is due: refresh it less often, only when something has changed (pgtend refresh \
             --if-changed), or look at the plan of its query",
        )
        .command("pgtend history --command refresh")
        .evidence("took_seconds", took)
        .evidence("usual_interval_seconds", usual);
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_time_between_is_much() {
        let found = |usual, took| {
            let interval =
                RefreshInterval { took_seconds: Some(took), ..RefreshInterval::default() };
            finding(&View::default(), &interval, usual).map(|finding| finding.message)
        };
        assert_eq!(found(3600.0, 1700.0), None);
        assert_eq!(found(60.0, 50.0), None, "it is meant to be always new");
        let message = found(3600.0, 2400.0).unwrap();
        assert_eq!(message, "a refresh takes 40 min 0 s, and one comes every 1 h 0 min");
    }
}
