//! The costliest statements, for Prometheus, where the configuration asks for them.

use std::collections::BTreeMap;

use super::series::{Family, Series, counter, gauge};
use crate::escape_control::escape_control;
use crate::facts::statements::{Counter, StatementDelta};
use crate::jobs::slow_queries::plan::{Ranking, without_header};
use crate::serve::collector::QueryTexts;
use crate::serve::facts::Facts;
use crate::work::plan::one_line;

static CALLS: Family = counter(
    "pgtend_statement_calls_total",
    "Executions of the costliest statements, by the counters of the server.",
);
static SECONDS: Family =
    counter("pgtend_statement_execution_seconds_total", "How long they took in all.");
static ROWS: Family = counter("pgtend_statement_rows_total", "Rows that they returned or changed.");
static WAL: Family = counter("pgtend_statement_wal_bytes_total", "WAL that they wrote.");
static INFO: Family = gauge(
    "pgtend_statement_info",
    "1 for each of these statements: the beginning of its text.",
);

pub static FAMILIES: [&Family; 5] = [&CALLS, &SECONDS, &ROWS, &WAL, &INFO];

/// So much of a text is told, with the sign that there is more.
const MOST_CHARACTERS: usize = 121;

/// A statement of one role.
#[derive(Debug, Clone, PartialEq)]
pub struct Costly {
    queryid: String,
    user: String,
    calls: f64,
    seconds: f64,
    rows: Option<f64>,
    wal_bytes: Option<f64>,
    /// `None` where texts are hidden, or this one is not known.
    text: Option<String>,
}

/// The first `most` of those that clients have sent: what a function sends is part of what its statement took.
pub fn costliest(ranking: &Ranking, most: usize, shown: QueryTexts) -> Vec<Costly> {
    let sent = ranking.statements.iter().filter(|counted| counted.key.toplevel);
    sent.take(most).map(|counted| costly(ranking, counted, shown)).collect()
}

fn costly(ranking: &Ranking, counted: &StatementDelta, shown: QueryTexts) -> Costly {
    let StatementDelta { key, counters, .. } = counted;
    let user = ranking.names.roles.get(&key.userid);
    let text = ranking.texts.get(key).filter(|_| shown == QueryTexts::Shown);
    Costly {
        queryid: key.queryid.to_string(),
        user: user.cloned().unwrap_or_else(|| key.userid.to_string()),
        calls: counters.or_zero(Counter::Calls),
        seconds: counters.or_zero(Counter::Total) / 1e3,
        rows: counters.get(Counter::Rows),
        wal_bytes: counters.get(Counter::WalBytes),
        text: text.map(|text| beginning(text)),
    }
}

/// In one line.
fn beginning(text: &str) -> String {
    escape_control(&one_line(without_header(text), MOST_CHARACTERS)).into_owned()
}

pub fn costly_statements(series: &mut Series, facts: &Facts, target: (&str, &str)) {
    let costliest = facts.statements.known().map(|seen| seen.costliest.as_slice());
    let mut texts = BTreeMap::new();
    for statement in costliest.unwrap_or_default() {
        let queryid = ("queryid", statement.queryid.as_str());
        let labels = [target, queryid, ("user", statement.user.as_str())];
        series.add(&CALLS, &labels, statement.calls);
        series.add(&SECONDS, &labels, statement.seconds);
        for (family, value) in [(&ROWS, statement.rows), (&WAL, statement.wal_bytes)] {
            if let Some(value) = value {
                series.add(family, &labels, value);
            }
        }
        // Roles with different search paths say it in different words; one text is enough to join by.
        texts.entry(queryid.1).or_insert(statement.text.as_deref());
    }
    for (queryid, text) in texts {
        if let Some(text) = text {
            series.add(&INFO, &[target, ("queryid", queryid), ("query", text)], 1.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::statements::{Counters, StatementKey};

    fn ranking(statements: &[(i64, bool, &str)]) -> Ranking {
        let mut ranking = Ranking::default();
        for (queryid, toplevel, text) in statements {
            let key = StatementKey { dbid: 1, userid: 2, queryid: *queryid, toplevel: *toplevel };
            let mut counters = Counters::default();
            counters.set(Counter::Calls, Some(3.0));
            counters.set(Counter::Total, Some(1500.0));
            ranking.statements.push(StatementDelta {
                key,
                counters,
                is_partial: false,
                before: None,
            });
            ranking.texts.insert(key, (*text).to_owned());
        }
        ranking
    }

    #[test]
    fn so_many_are_told_and_no_more_of_a_text_than_its_beginning() {
        let long = "x".repeat(500);
        let all = [
            (1, true, "-- why\nSELECT\n  1"),
            (2, false, "of a function"),
            (3, true, &long),
            (4, true, "SELECT 4"),
        ];
        let told = costliest(&ranking(&all), 2, QueryTexts::Shown);
        let ids = told.iter().map(|it| it.queryid.as_str()).collect::<Vec<_>>();
        assert_eq!(ids, ["1", "3"]);
        assert_eq!(told[0].text.as_deref(), Some("SELECT 1"));
        assert_eq!((told[0].calls, told[0].seconds, told[0].rows), (3.0, 1.5, None));
        assert_eq!(told[0].user, "2", "a role that is gone is told by its number");
        assert_eq!(told[1].text.as_ref().map(|text| text.chars().count()), Some(121));
        let hidden = costliest(&ranking(&all), 1, QueryTexts::Hidden);
        assert_eq!(hidden[0].text, None);
        assert_eq!(costliest(&ranking(&all), 0, QueryTexts::Shown), []);
    }
}
