//! What snapshots and history tell of the past days.

use std::collections::HashMap;
use std::time::Duration;

use super::{Database, RefreshInterval};
use crate::facts::columns::FromRow;
use crate::facts::history::{HistoryPart, Installed, load_schema, tell};
use crate::facts::known::{Known, Unavailable};
use crate::facts::load::ask;
use crate::facts::measures::{MeasureKind, Measured, load_measured};
use crate::facts::trend::{Forecast, Limit, Rate};
use crate::failure::Result;
use crate::pg::name::quote_ident;
use crate::pg::session::Session;

/// Rates are those of a week.
const SPAN: Duration = Duration::from_secs(7 * 24 * 3600);

/// What snapshots and history tell.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trends {
    pub measures: HashMap<MeasureKind, HashMap<String, Measured>>,
    /// How often views were refreshed.
    pub refreshes: Vec<RefreshInterval>,
}

impl Trends {
    pub fn new(measures: Vec<Measured>, refreshes: Vec<RefreshInterval>) -> Self {
        let mut by_kind = HashMap::<MeasureKind, HashMap<String, Measured>>::new();
        for measured in measures {
            by_kind
                .entry(measured.kind)
                .or_default()
                .insert(measured.object.clone(), measured);
        }
        Trends { measures: by_kind, refreshes }
    }

    /// How fast a measure of an object moves; `None` where that is not known.
    pub fn rate(&self, kind: MeasureKind, object: &str) -> Option<Rate> {
        self.measure(kind, object)?.rate()
    }

    /// When the oldest transaction id of a database is so old, as fast as ids are given out and frozen now;
    /// `None` where that is not known.
    pub fn xid_age_reaches(&self, database: &Database, age: i64) -> Option<Forecast> {
        let kinds = (MeasureKind::NextXid, MeasureKind::DatabaseFrozenXid);
        self.age_reaches(kinds, &database.name, database.xid_age, age)
    }

    /// The same of multixacts.
    pub fn mxid_age_reaches(&self, database: &Database, age: i64) -> Option<Forecast> {
        let kinds = (MeasureKind::NextMultixact, MeasureKind::DatabaseMinMultixact);
        self.age_reaches(kinds, &database.name, database.mxid_age, age)
    }

    fn age_reaches(
        &self,
        (given, frozen): (MeasureKind, MeasureKind),
        database: &str,
        now: i32,
        age: i64,
    ) -> Option<Forecast> {
        let given = self.rate(given, "server")?;
        let frozen = self.rate(frozen, &quote_ident(database))?;
        Some(given.less(frozen).until(now.into(), Limit::AtMost(age)))
    }

    /// What is known of a measure of an object.
    pub fn measure(&self, kind: MeasureKind, object: &str) -> Option<&Measured> {
        self.measures.get(&kind)?.get(object)
    }
}

/// A database without a history has none, which is no fault; one whose history this role may not read has trends that it
/// does not see.
pub(super) async fn load(session: &Session, owner: Option<&str>) -> Known<Trends> {
    let schema = Known::from(load_schema(session, owner).await);
    if let Known::Known(schema) = &schema
        && schema.installed() == Installed::Unusable
    {
        return Unavailable::from(schema.unreadable()).into();
    }
    let measures =
        tell(&schema, HistoryPart::Measures, load_measured(session, SPAN, &MeasureKind::ALL));
    let measures = told(measures.await);
    let refreshes = told(tell(&schema, HistoryPart::Runs, load_refreshes(session)).await);
    match (measures, refreshes) {
        (Ok(measures), Ok(refreshes)) => Known::Known(Trends::new(measures, refreshes)),
        (Err(why), _) | (_, Err(why)) => why.into(),
    }
}

fn told<T>(all: Known<Option<Vec<T>>>) -> std::result::Result<Vec<T>, Unavailable> {
    all.into_result().map(Option::unwrap_or_default)
}

async fn load_refreshes(session: &Session) -> Result<Vec<RefreshInterval>> {
    let sql = include_str!("../../../sql/history/refresh_intervals.sql");
    Ok(ask(session, sql, &[]).await?.iter().map(RefreshInterval::from_row).collect())
}
