//! Where the statements come from: files, or the counters of the server. Only what passes the guards is sent.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::Args;
use super::plan::{Statement, Workload, why_not_reading};
use super::script::{self, Script};
use super::value::Value;
use crate::facts::column_values::{ColumnValues, load_column_values};
use crate::facts::explain::{Explained, Guard, generic_plan, obstacle};
use crate::facts::reach::{Deed, Trust, foreign_text};
use crate::facts::statements::{
    Counter, KnownTexts, Length, StatementFilter, StatementKey, StatementNames, expression, is_own,
    load_extension, load_names, load_texts, load_top,
};
use crate::facts::throughput::load_volatile_functions;
use crate::failure::{Failure, Kind, Result};
use crate::pg::database::Database;
use crate::pg::prepared::Prepared;
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;
use crate::syntax::names_in;
use crate::twin::workload::plannable;
use crate::warning::Warning;
use crate::work::explained::terms::{Comparator, Term};
use crate::work::explained::{self, Use, uses};

/// The scripts that the arguments name.
///
/// # Errors
/// `Usage` where one cannot be read, or says what is not sent.
pub fn scripts(args: &Args) -> Result<Vec<Script>> {
    let mut scripts = Vec::new();
    for named in &args.workload {
        scripts.extend(script::read(named)?);
    }
    Ok(scripts)
}

/// What of the files is sent: all of it, or nothing.
///
/// # Errors
/// `Usage` where a statement is none that is sent; those of the connection.
pub async fn of_files(
    database: &Database,
    reader: &Session,
    scripts: &[Script],
    trust: &Trust,
) -> Result<Workload> {
    let deed = trust.deed();
    let mut workload = Workload::default();
    for script in scripts {
        workload.add_script(script, reader, &database.server.search_path).await?;
    }
    for statement in &workload.statements {
        let Statement { name, text } = statement;
        if let Some(why) = refusal(text, deed) {
            return Err(not_sent(name, &why, deed, &database.server.database));
        }
        match generic_plan(reader, text, Guard::Trusted(trust)).await? {
            Explained::Not(why) => return Err(Failure::usage(format!("{name}: {why}"))),
            Explained::Plan(plan) if deed != Deed::Writing && explained::writes(&plan) => {
                let why = "its plan writes";
                return Err(not_sent(name, why, deed, &database.server.database));
            }
            Explained::Plan(_) => {}
        }
    }
    Ok(workload)
}

fn refusal(text: &str, deed: Deed) -> Option<String> {
    match deed {
        Deed::Writing => obstacle(text),
        Deed::Planning | Deed::Reading => why_not_reading(text).or_else(|| {
            let sets = names_in(text).any(|name| name == "set_config");
            sets.then(|| "it changes settings (set_config)".to_owned())
        }),
    }
}

fn not_sent(name: &str, why: &str, deed: Deed, database: &str) -> Failure {
    let failure = Failure::usage(format!("{name}: {why}"));
    match deed {
        Deed::Writing => failure,
        Deed::Planning | Deed::Reading => failure.hint(format!(
            "load sends only SELECT, VALUES, TABLE and WITH that read; --allow-writes {database} sends all \
             statements, and changes your data"
        )),
    }
}

/// A statement that the server counts.
struct Counted<'t> {
    key: StatementKey,
    text: &'t str,
    calls: f64,
}

/// What of pg_stat_statements is sent, and a warning for each that is not though it reads.
///
/// # Errors
/// `Usage` where nothing is left; `Unsupported` where statements are not counted; those of the connection.
pub async fn of_counters(
    reader: &Session,
    prepares: &Session,
    trust: &Trust,
    limit: usize,
) -> Result<(Workload, Vec<Warning>)> {
    let extension = load_extension(reader).await?;
    extension.require_counting()?;
    let filter = StatementFilter { database: Some(extension.dbid), ..StatementFilter::default() };
    let rank = expression(Counter::Total, &extension.columns);
    // Some of them are not the application's, or write.
    let most = i64::try_from(limit.saturating_mul(4)).unwrap_or(i64::MAX);
    let top = load_top(reader, &extension, &rank, Some(most), &filter).await?;
    let keys = top.statements.iter().map(|one| one.key).collect::<Vec<_>>();
    let ids = keys.iter().map(|key| key.queryid).collect::<Vec<_>>();
    let texts = load_texts(reader, &extension, &ids, Length::Whole).await?.known;
    let names = load_names(reader, keys.iter().copied()).await?;
    let calls = top.statements.iter().map(|one| (one.key, one.counters.or_zero(Counter::Calls)));
    let sift = Sift { reader, prepares, trust, names };
    let mut workload = Workload::default();
    let mut warnings = Vec::new();
    for counted in reading(&texts, calls) {
        if workload.requests.len() == limit {
            break;
        }
        match sift.values(&counted).await? {
            Ok((text, values)) => {
                let name = counted.key.queryid.to_string();
                workload.add(Statement { name, text }, counted.calls, values);
            }
            Err(message) => warnings.push(Warning {
                rule: "not-sent",
                object: counted.key.queryid.to_string(),
                message,
            }),
        }
    }
    if workload.requests.is_empty() {
        let mut failure =
            Failure::new(Kind::Usage, "pg_stat_statements has no statement that can be sent");
        if let Some(first) = warnings.first() {
            let Warning { object, message, .. } = first;
            failure = failure.context(format!("statement {object}: {message}"));
        }
        return Err(failure.hint("name statements with --workload FOLDER"));
    }
    Ok((workload, warnings))
}

/// The statements that only read and that a client has sent, each text once.
fn reading<'t>(
    texts: &'t KnownTexts,
    calls: impl Iterator<Item = (StatementKey, f64)>,
) -> Vec<Counted<'t>> {
    let mut found: Vec<Counted<'t>> = Vec::new();
    let mut places: HashMap<(&str, u32), usize> = HashMap::new();
    for (key, calls) in calls.filter(|(key, _)| key.toplevel) {
        let Some(text) = texts.get(&key).map(String::as_str) else {
            continue;
        };
        match places.get(&(text, key.userid)) {
            Some(at) => found[*at].calls += calls,
            None => {
                let mended = plannable(text);
                if is_own(text) || mended.is_ok_and(|text| why_not_reading(&text).is_some()) {
                    continue;
                }
                places.insert((text, key.userid), found.len());
                found.push(Counted { key, text, calls });
            }
        }
    }
    found
}

/// Looks at each statement before it is sent.
struct Sift<'s> {
    reader: &'s Session,
    /// Has the search path of the clients.
    prepares: &'s Session,
    trust: &'s Trust,
    names: StatementNames,
}

type Sifted = std::result::Result<(String, Vec<Value>), String>;

impl Sift<'_> {
    /// The text as it is sent, and the values of its parameters; or why it is not sent.
    async fn values(&self, counted: &Counted<'_>) -> Result<Sifted> {
        let Counted { key, text, .. } = counted;
        if !self.names.superusers.contains(&key.userid) && !self.trust.includes(key.userid) {
            let role = self.names.roles.get(&key.userid).map_or("another role", String::as_str);
            return Ok(Err(foreign_text(role, self.trust.deed())));
        }
        let text = match plannable(text) {
            Ok(text) => text,
            Err(why) => return Ok(Err(why)),
        };
        // Other commands plan such a statement. Here it would be executed.
        if let Some(name) = load_volatile_functions(self.reader, &text).await?.first() {
            return Ok(Err(format!(
                "it may call {name}, which is VOLATILE: it could do more than read; send it with --workload"
            )));
        }
        let plan = match generic_plan(self.reader, &text, Guard::Trusted(self.trust)).await? {
            Explained::Plan(plan) => plan,
            Explained::Not(why) => return Ok(Err(why)),
        };
        if explained::writes(&plan) {
            return Ok(Err("its plan writes".to_owned()));
        }
        let prepared = match self.prepares.prepare(&text).await {
            Ok(prepared) => prepared,
            Err(error) if error.is_connection_lost() => return Err(error.into_failure()),
            Err(error) => return Ok(Err(error.to_string())),
        };
        let values = self.of_parameters(&plan, &prepared).await?;
        Ok(values.map(|values| (text, values)))
    }

    async fn of_parameters(
        &self,
        plan: &Json,
        prepared: &Prepared,
    ) -> Result<std::result::Result<Vec<Value>, String>> {
        let uses = uses(plan);
        let mut values = Vec::new();
        for (number, is_array) in (1..).zip(prepared.arrays()) {
            let mut found = None;
            for usage in uses.get(&number).into_iter().flatten() {
                found = self.of_use(usage, is_array).await?;
                if found.is_some() {
                    break;
                }
            }
            match found {
                Some(value) => values.push(value),
                None => {
                    return Ok(Err(format!(
                        "no statistics tell values for ${number}; send it with --workload"
                    )));
                }
            }
        }
        Ok(Ok(values))
    }

    async fn of_use(&self, usage: &Use, is_array: bool) -> Result<Option<Value>> {
        let Use { table, term } = usage;
        let (Some(column), Some(schema)) = (&term.column, &table.schema) else {
            return Ok(None);
        };
        let known = load_column_values(self.reader, &[schema], &table.name, column).await?;
        let values = known.map(|known| fitting(known, term, is_array));
        Ok(values.filter(|it| !it.is_empty()).map(|values| Value::Drawn(Arc::new(values))))
    }
}

/// The values of the column as they can stand on the other side of the comparison.
fn fitting(known: ColumnValues, term: &Term, is_array: bool) -> ColumnValues {
    let mut values = match &term.comparison {
        Comparator::Equal => known,
        // The common ones may be none of an order.
        Comparator::Range if !known.bounds.is_empty() => {
            ColumnValues { common: Vec::new(), elements: Vec::new(), ..known }
        }
        Comparator::Range | Comparator::Like => known,
        Comparator::Contains(_) if !known.elements.is_empty() => {
            ColumnValues { common: Vec::new(), bounds: Vec::new(), ..known }
        }
        Comparator::Contains(_) => known,
    };
    let texts = values.common.iter_mut().map(|(value, _)| value);
    for text in texts.chain(&mut values.bounds).chain(&mut values.elements) {
        *text = term.other_side(std::mem::take(text), is_array);
    }
    values
}

/// A session with the search path of the clients, for parsing.
///
/// # Errors
/// Those of the connection.
pub async fn with_path(session: Session, path: &str) -> Result<Session> {
    session.execute(path).await.map_err(ServerError::into_failure)?;
    Ok(session)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::explained::terms::terms_of_parameters;

    fn texts(condition: &str, is_array: bool) -> Vec<String> {
        let known = ColumnValues {
            common: vec![("it\"s".to_owned(), 0.5)],
            bounds: vec!["aa".to_owned(), "zz".to_owned()],
            elements: Vec::new(),
        };
        let term = terms_of_parameters(condition).remove(0);
        let values = fitting(known, &term, is_array);
        let common = values.common.into_iter().map(|(value, _)| value);
        common.chain(values.bounds).collect()
    }

    #[test]
    fn values_fit_what_they_are_compared_with() {
        assert_eq!(texts("(t.a = $1)", false), ["it\"s", "aa", "zz"]);
        assert_eq!(texts("(t.a > $1)", false), ["aa", "zz"]);
        assert_eq!(texts("(t.a ~~ $1)", false), ["it%", "a%", "z%"]);
        assert_eq!(texts("(t.a = ANY ($1))", true)[0], "{\"it\\\"s\"}");
    }
}
