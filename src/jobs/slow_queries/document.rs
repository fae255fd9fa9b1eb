//! What `slow-queries` says in JSON.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::plan::Ranking;
use crate::facts::statements::{Counter, CounterKind, Counters};
use crate::format;

/// A statement as a JSON object; what is not known is null.
pub(super) fn object(ranking: &Ranking, at: usize) -> Value {
    let counted = &ranking.statements[at];
    let (key, counters) = (counted.key, &counted.counters);
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
    put("queryid", json!(key.queryid));
    // Larger than what many readers of JSON take for a number.
    put("queryid_text", json!(key.queryid.to_string()));
    put("query", json!(ranking.texts.get(&key)));
    put("user", json!(ranking.names.roles.get(&key.userid)));
    put("database", json!(ranking.names.databases.get(&key.dbid)));
    put("toplevel", json!(key.toplevel));
    put("share", json!(ranking.share(counted)));
    put("mean_ms", json!(counters.mean()));
    for counter in Counter::all() {
        put(counter.name(), number(counter, counters.get(counter)));
    }
    put("rows_per_call", json!(counters.per_call(Counter::Rows)));
    put("cache_hit", json!(counters.cache_hit()));
    put("slow", json!(ranking.is_slow(counted)));
    put("partial", json!(counted.is_partial));
    let findings = ranking.findings.iter().filter(|(place, _)| *place == at);
    put("findings", json!(findings.map(|(_, condition)| condition).collect::<Vec<_>>()));
    if ranking.is_compared {
        let before = counted.before.as_ref();
        put(
            "before_calls",
            number(Counter::Calls, before.and_then(|it| it.get(Counter::Calls))),
        );
        put("before_mean_ms", json!(before.and_then(Counters::mean)));
        put("slowdown", json!(counted.slowdown()));
        put("lost_ms", json!(counted.lost_ms()));
    }
    if let Some(details) = ranking.details.get(at) {
        put("plan", json!(details.plan));
        put("remarks", json!(details.remarks));
        put("not_explained", json!(details.not_explained));
        put("relations", json!(details.relations));
        let history = details.history.iter().map(|(when, counters)| {
            json!({
                "taken_at": when,
                "calls": number(Counter::Calls, counters.get(Counter::Calls)),
                "total_ms": counters.get(Counter::Total),
                "mean_ms": counters.mean(),
            })
        });
        put("history", Value::Array(history.collect()));
    }
    Value::Object(object)
}

/// Counts are whole numbers.
fn number(counter: Counter, value: Option<f64>) -> Value {
    match counter.kind() {
        CounterKind::Count => json!(value.map(|value| value as i64)),
        CounterKind::Millis | CounterKind::Extreme => json!(value),
    }
}

#[derive(Debug, Serialize)]
pub(super) struct StatementsDocument<'a> {
    statements: Objects<'a>,
    span: SpanDocument,
    totals: TotalsDocument,
}

/// The statements one by one: their texts are large, and are not to be held twice.
#[derive(Debug)]
struct Objects<'a>(&'a Ranking);

impl Serialize for Objects<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((0..self.0.statements.len()).map(|at| object(self.0, at)))
    }
}

impl<'a> StatementsDocument<'a> {
    pub(super) fn new(ranking: &'a Ranking) -> Self {
        StatementsDocument {
            statements: Objects(ranking),
            span: SpanDocument {
                from: ranking.from_epoch.map(format::moment),
                to: format::moment(ranking.ends.taken_epoch),
                resets: ranking.resets,
                evictions: ranking.evictions,
                restarted: ranking.restarted,
            },
            totals: TotalsDocument {
                statements: ranking.all,
                hidden: ranking.ends.hidden,
                matching: ranking.matching,
                failing: ranking.failing,
                slow: ranking.slow,
                slow_ms: ranking.slow_ms,
                calls: ranking.all_calls,
                total_ms: ranking.all_ms,
            },
        }
    }
}

/// A span of time. Times are UTC as RFC 3339 has them.
#[derive(Debug, Clone, Serialize)]
struct SpanDocument {
    /// Since when statements are counted; null where it is not known.
    from: Option<String>,
    /// Until when.
    to: String,
    /// How often all counters were reset in between.
    resets: usize,
    /// How often the server had to forget statements; null where it does not tell.
    evictions: Option<i64>,
    /// Whether the server was started anew in between.
    restarted: bool,
}

/// What all statements come to.
#[derive(Debug, Clone, Serialize)]
struct TotalsDocument {
    /// How many there are, without hidden ones.
    statements: i64,
    /// Statements of others that the role may not see.
    hidden: i64,
    /// How many the filters leave.
    matching: i64,
    /// How many meet a condition of --fail-if, shown or not.
    failing: usize,
    /// How many of them all are slow.
    slow: i64,
    /// From which mean on they are.
    slow_ms: f64,
    /// Executions.
    calls: f64,
    /// Execution time.
    total_ms: f64,
}
