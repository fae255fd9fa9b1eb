//! Statements: what each costs, and what it did from look to look and from snapshot to snapshot.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::members;
use crate::facts::statements::{Counter, StatementKey};
use crate::jobs::slow_queries::plan::Ranking;
use crate::jobs::slow_queries::watch;
use crate::serve::collector::QueryTexts;
use crate::serve::list::{Row, Rows, Shape, Show, field};
use crate::serve::query::Order;

pub static STATEMENTS: Shape = Shape {
    name: "statements",
    title: "Statements",
    fields: &[
        field("query", "statement", Show::Code),
        field("share", "share", Show::Share),
        field("calls", "calls", Show::Whole),
        field("mean_ms", "mean", Show::Millis),
        field("max_ms", "longest", Show::Millis),
        field("total_ms", "total", Show::Millis),
        field("rows_per_call", "rows each", Show::Number),
        field("cache_hit", "from memory", Show::Share),
        field("wal_bytes", "WAL", Show::Bytes),
        field("user", "user", Show::Text),
        field("queryid_text", "number", Show::Text),
        field("rows", "", Show::Whole),
        field("shared_read_blocks", "", Show::Whole),
        field("temp_written_blocks", "", Show::Whole),
        field("stddev_ms", "", Show::Millis),
    ],
    sort_by: "share",
    order: Order::Falling,
};

/// What is known of single statements besides their counters: plan, remarks, history.
pub type Details = HashMap<String, Map<String, Value>>;

/// What only deeper looks tell.
const DEEP: [&str; 5] = ["plan", "remarks", "not_explained", "relations", "history"];

const NOT_SHOWN: &str = "statements are not shown here (--no-query-text)";

/// The statements as rows.
pub fn rows(ranking: &Ranking, shown: QueryTexts) -> Rows {
    let rows = (0..ranking.statements.len()).map(|at| {
        let mut values = members(watch::row(ranking, at));
        DEEP.iter().for_each(|key| drop(values.remove(*key)));
        if shown == QueryTexts::Hidden {
            values.remove("query");
        }
        Row { id: id(ranking.statements[at].key), values: values.into() }
    });
    Arc::new(rows.collect())
}

/// What a deeper look tells, by the rows' ids.
pub fn details(ranking: &Ranking, shown: QueryTexts) -> Details {
    let details = (0..ranking.details.len().min(ranking.statements.len())).map(|at| {
        let mut values = members(watch::row(ranking, at));
        values.retain(|name, _| DEEP.contains(&name.as_str()));
        if shown == QueryTexts::Hidden {
            // The conditions of a statement stand in each of them.
            ["plan", "remarks"].iter().for_each(|key| drop(values.remove(*key)));
            values.insert("not_explained".to_owned(), NOT_SHOWN.into());
        }
        (id(ranking.statements[at].key), values)
    });
    details.collect()
}

fn id(key: StatementKey) -> String {
    format!("{}-{}-{}", key.queryid, key.userid, key.toplevel)
}

/// What the list's document says besides.
pub fn totals(ranking: &Ranking) -> Value {
    json!({
        "statements": ranking.all,
        "hidden": ranking.ends.hidden,
        "calls": ranking.all_calls,
        "total_ms": ranking.all_ms,
    })
}

/// Calls and milliseconds so far, by the rows' ids: of two looks the difference is what ran in between.
pub fn counters(ranking: &Ranking) -> HashMap<String, (f64, f64)> {
    let counters = ranking.statements.iter().map(|counted| {
        let of = |counter| counted.counters.or_zero(counter);
        (id(counted.key), (of(Counter::Calls), of(Counter::Total)))
    });
    counters.collect()
}
