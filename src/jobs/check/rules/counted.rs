use super::{Found, Judged, unseen_history};
use crate::facts::health::{Database, Health};
use crate::facts::measures::MeasureKind;
use crate::findings::Finding;
use crate::pg::name::quote_ident;

/// What was counted, and in how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counted {
    pub number: i64,
    /// `None`: it is not known since when.
    pub seconds: Option<f64>,
    /// Not in more: what is not known to have been reset was not counted before the cluster was made.
    pub at_most_seconds: Option<f64>,
}

/// Snapshots that are closer tell of an hour, not of a habit.
const A_DAY: f64 = 86_400.0;

impl Counted {
    /// Of the past days, where snapshots tell: what was long ago is over. Else since the counters were reset.
    pub fn of(health: &Health, kind: MeasureKind, database: &Database, since_reset: i64) -> Self {
        let trends = health.trends.known();
        let rate = trends.and_then(|it| it.rate(kind, &quote_ident(&database.name)));
        let recent = rate.map(|rate| (rate.per_second, rate.over.as_secs_f64()));
        match recent.filter(|(_, seconds)| *seconds >= A_DAY) {
            Some((per_second, seconds)) => Counted {
                number: (per_second * seconds).round() as i64,
                seconds: Some(seconds),
                at_most_seconds: Some(seconds),
            },
            None => Counted {
                number: since_reset,
                seconds: database.reset_seconds,
                at_most_seconds: database.reset_seconds.or_else(|| health.cluster_seconds()),
            },
        }
    }

    /// What is found of a counter of each database; `since_reset`: its value.
    pub fn judge(
        health: &Health,
        kind: MeasureKind,
        since_reset: fn(&Database) -> i64,
        finding: fn(&Database, Counted) -> Option<Finding>,
    ) -> Judged {
        let databases = health.databases.seen()?.iter();
        let found = databases.filter_map(|database| {
            finding(database, Counted::of(health, kind, database, since_reset(database)))
        });
        Ok(Found { findings: found.collect(), unknown: unseen_history(health) })
    }

    /// So many in that time.
    #[cfg(test)]
    pub fn known(number: i64, seconds: Option<f64>) -> Self {
        Counted { number, seconds, at_most_seconds: seconds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::{Glance, Trends};
    use crate::facts::measures::Measured;

    #[test]
    fn the_past_days_count_more_than_what_was_once() {
        let database = Database {
            name: "Shop".to_owned(),
            reset_seconds: Some(1e8),
            ..Database::default()
        };
        let counted = |measured: Vec<Measured>| {
            let trends = Known::Known(Trends::new(measured, Vec::new()));
            let health = Health { trends, ..Health::default() };
            Counted::of(&health, MeasureKind::Deadlocks, &database, 500)
        };
        let since_reset = Counted::known(500, Some(1e8));
        assert_eq!(counted(Vec::new()), since_reset);
        let of_days = |days: f64| {
            Measured::moved(MeasureKind::Deadlocks, "\"Shop\"", (480, 500), days * A_DAY)
        };
        let recent = Counted::known(20, Some(7.0 * A_DAY));
        assert_eq!(counted(vec![of_days(7.0)]), recent);
        assert_eq!(counted(vec![of_days(0.5)]), since_reset);
    }

    #[test]
    fn what_was_never_reset_is_no_older_than_the_cluster() {
        let glance = Glance {
            started_epoch: 900.0,
            uptime_seconds: 100.0,
            made_epoch: Some(400.0),
            ..Glance::default()
        };
        let health = Health { glance: Known::Known(vec![glance]), ..Health::default() };
        let counted = Counted::of(&health, MeasureKind::Deadlocks, &Database::default(), 5);
        assert_eq!(counted, Counted { number: 5, seconds: None, at_most_seconds: Some(600.0) });
    }
}
