//! What only metrics tell of a check.

use std::collections::BTreeMap;

use crate::facts::Oid;
use crate::facts::health::{Health, SequenceColumn, View};

/// So many sequences have a series of their own.
const MOST_SEQUENCES: usize = 20;
/// So many materialized views, the largest, have series of their own.
const MOST_VIEWS: usize = 100;

/// What PostgreSQL takes for it where nobody says otherwise.
const FAILSAFE_AGE: f64 = 1.6e9;
/// It is never less than so many times `autovacuum_freeze_max_age`.
const LEAST_FAILSAFE: f64 = 1.05;

#[derive(Debug, Default)]
pub struct Figures {
    /// The oldest of each kind of holder.
    pub xids: BTreeMap<String, i32>,
    /// The most used first.
    pub sequences: Vec<(String, f64)>,
    /// Of the database that comes first to `vacuum_failsafe_age`; infinite, where none does. `None`: nobody
    /// knows how fast that goes.
    pub failsafe_seconds: Option<f64>,
    pub views: Vec<SizedView>,
}

/// A materialized view.
#[derive(Debug, PartialEq, Eq)]
pub struct SizedView {
    pub oid: Oid,
    pub name: String,
    pub bytes: i64,
}

impl Figures {
    pub fn of(health: &Health) -> Self {
        let mut figures = Figures {
            failsafe_seconds: failsafe_seconds(health),
            views: views(health.views.known().map(Vec::as_slice).unwrap_or_default()),
            ..Figures::default()
        };
        for holder in health.horizon.known().into_iter().flatten() {
            let oldest = figures.xids.entry(holder.kind.clone()).or_default();
            *oldest = holder.age.max(*oldest);
        }
        if let Some(sequences) = health.sequences.known() {
            let used = sequences.all.iter().filter_map(|sequence| {
                let value = *sequences.values.get(&sequence.oid)?;
                Some((sequence.object.clone(), used(sequence, value)))
            });
            figures.sequences = used.filter(|(_, used)| *used > 0.5).collect();
            figures.sequences.sort_by(|one, other| other.1.total_cmp(&one.1));
            figures.sequences.truncate(MOST_SEQUENCES);
        }
        figures
    }
}

/// As fast as ids are given out and frozen now.
fn failsafe_seconds(health: &Health) -> Option<f64> {
    let settings = health.settings.known()?;
    let own = settings.number("vacuum_failsafe_age").unwrap_or(FAILSAFE_AGE);
    let freeze = settings.number("autovacuum_freeze_max_age").unwrap_or_default();
    let age = own.max(freeze * LEAST_FAILSAFE) as i64;
    let trends = health.trends.known()?;
    let databases = health.databases.known()?.iter();
    let forecasts = databases.filter_map(|database| trends.xid_age_reaches(database, age));
    let seconds = forecasts.map(|it| it.left().map_or(f64::INFINITY, |left| left.as_secs_f64()));
    seconds.reduce(f64::min)
}

fn views(views: &[View]) -> Vec<SizedView> {
    let mut sized = views
        .iter()
        .map(|view| SizedView {
            oid: view.oid,
            name: view.object.clone(),
            bytes: view.size_bytes(),
        })
        .collect::<Vec<_>>();
    sized.sort_by(|one, other| other.bytes.cmp(&one.bytes).then(one.name.cmp(&other.name)));
    sized.truncate(MOST_VIEWS);
    sized
}

/// From where it begins to where it ends.
fn used(sequence: &SequenceColumn, value: i64) -> f64 {
    let (least, greatest) = (sequence.least as f64, sequence.greatest as f64);
    let gone = if sequence.step < 0 {
        greatest - value as f64
    } else {
        value as f64 - least
    };
    (gone / (greatest - least).max(1.0)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::{Database, Trends, settings};
    use crate::facts::measures::{MeasureKind, Measured};

    #[test]
    fn a_sequence_is_used_up_from_where_it_begins() {
        let up = SequenceColumn {
            least: 1,
            greatest: 101,
            step: 1,
            ..SequenceColumn::default()
        };
        assert_eq!(used(&up, 51), 0.5);
        let down = SequenceColumn { least: -101, greatest: -1, step: -1, ..up };
        assert_eq!(used(&down, -76), 0.75);
    }

    fn measured(kind: MeasureKind, object: &str, value: i64) -> Measured {
        Measured::moved(kind, object, (0, value), 1000.0)
    }

    fn left(ids_a_second: i64, freeze_max_age: &str) -> Option<f64> {
        let database = |name: &str, xid_age| Database {
            name: name.to_owned(),
            xid_age,
            ..Database::default()
        };
        let measures = vec![
            measured(MeasureKind::NextXid, "server", ids_a_second * 1000),
            measured(MeasureKind::DatabaseFrozenXid, "shop", 0),
            measured(MeasureKind::DatabaseFrozenXid, "idle", 0),
        ];
        failsafe_seconds(&Health {
            settings: settings(&[
                ("vacuum_failsafe_age", "1600000000"),
                ("autovacuum_freeze_max_age", freeze_max_age),
            ]),
            databases: Known::Known(vec![
                database("idle", 100),
                database("shop", 600_000_000),
                database("unmeasured", 1_500_000_000),
            ]),
            trends: Known::Known(Trends::new(measures, Vec::new())),
            ..Health::default()
        })
    }

    #[test]
    fn the_database_that_comes_first_to_the_failsafe_is_told_of() {
        assert_eq!(left(1_000_000, "200000000"), Some(1000.0));
        assert_eq!(left(0, "200000000"), Some(f64::INFINITY));
        // 1.05 times that is later.
        assert_eq!(left(1_000_000, "2000000000"), Some(1500.0));
        assert_eq!(failsafe_seconds(&Health::default()), None);
    }
}
