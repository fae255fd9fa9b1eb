//! Partitions and materialized views.

use super::{Found, Judged, judges};
use crate::facts::Unavailable;
use crate::facts::health::{Health, RefreshInterval, View};
use crate::findings::Finding;

mod bound;

judges! {
    partition_runway, default_partition_filling, too_many_partitions, view_not_populated, view_without_key,
    view_stale, view_slow_refresh,
}

/// With fewer refreshes nobody knows how often is usual.
const FEW_REFRESHES: i64 = 3;

/// What is found of the views that are refreshed: `finding` gets how many seconds usually lie between two. `no_history`: what
/// is not known without one.
fn by_refreshes(
    health: &Health,
    no_history: &str,
    finding: fn(&View, &RefreshInterval, f64) -> Option<Finding>,
) -> Judged {
    let views = health.views.seen()?;
    let refreshes = &health.trends.seen()?.refreshes;
    if refreshes.is_empty() && !views.is_empty() {
        return Err(Unavailable::because(no_history)
            .help("pgtend init makes a place for it, and pgtend refresh fills it")
            .into());
    }
    let found = views.iter().filter_map(|view| {
        let interval = refreshes.iter().find(|it| it.object_oid == view.oid)?;
        finding(view, interval, usual_seconds(interval)?)
    });
    Ok(found.collect::<Found>())
}

fn usual_seconds(interval: &RefreshInterval) -> Option<f64> {
    interval.interval_seconds.filter(|_| interval.refreshes >= FEW_REFRESHES)
}
