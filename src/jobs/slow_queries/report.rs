//! What `slow-queries` shows.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use comfy_table::{Cell, ContentArrangement, Table, presets};
use serde_json::Value;

use super::document::{StatementsDocument, object};
use super::plan::{BLOCK_BYTES, Ranking, without_header};
use crate::escape_control::escape_control;
use crate::facts::Oid;
use crate::facts::statements::{Counter, CounterKind, Counters, StatementDelta};
use crate::format;
use crate::output::table::{cell, right, table, text};
use crate::output::{Format, Head, Outcome, Report, Style, Text};
use crate::work::plan::one_line;

/// The statements that were chosen.
#[derive(Debug)]
pub struct SlowQueriesReport {
    /// The statements, and what they come to.
    pub ranking: Ranking,
    /// Whether their texts are cut to the line.
    pub texts: TextLength,
    /// How much is told of each.
    pub depth: ReportDepth,
    /// Whether it is asked which of them fail.
    pub is_judged: bool,
}

/// Whether texts are cut to the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextLength {
    /// To what fits.
    Cut,
    /// They are not.
    Whole,
}

/// How much is told of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportDepth {
    /// A line.
    Line,
    /// All counters.
    Counters,
}

impl Report for SlowQueriesReport {
    fn outcome(&self) -> Outcome {
        match (&self.ranking.findings[..], &self.ranking.statements[..]) {
            ([_, ..], _) => Outcome::Findings,
            (_, []) => Outcome::NothingToDo,
            _ => Outcome::Done,
        }
    }

    fn json(&self, head: Head) -> String {
        let body = StatementsDocument::new(&self.ranking);
        head.document(self.outcome(), body, &self.ranking.warnings)
    }

    fn text(&self, style: &Style) -> Text {
        let ranking = &self.ranking;
        if style.is_quiet() && self.is_judged && ranking.findings.is_empty() {
            let mut text = Text::default();
            text.warnings(&ranking.warnings, style);
            return text;
        }
        let mut text = Text::of(self.product(style));
        if style.format == Format::Csv && !ranking.details.is_empty() {
            text.warn("plans have no place in CSV; --format json has them");
        }
        text.warnings(&ranking.warnings, style);
        if ranking.failing > 0 {
            let failing = format::count(ranking.failing, "statement", "statements");
            let conditions = ranking
                .findings
                .iter()
                .map(|(_, condition)| condition.as_str())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>();
            text.warn(format!("{failing} with {}", conditions.join(" or ")));
        }
        text.narrate(summary(ranking));
        text
    }
}

impl SlowQueriesReport {
    fn product(&self, style: &Style) -> String {
        let ranking = &self.ranking;
        match style.format {
            Format::Csv => csv(ranking),
            Format::Markdown => markdown(ranking) + &details(ranking),
            _ if ranking.statements.is_empty() => String::new(),
            _ => {
                let counters = match self.depth {
                    ReportDepth::Line => String::new(),
                    ReportDepth::Counters => in_depth(ranking),
                };
                let texts = match self.texts {
                    TextLength::Cut => String::new(),
                    TextLength::Whole => texts(ranking),
                };
                counters + &terminal(ranking, style.width) + &texts + &details(ranking)
            }
        }
    }
}

/// The whole texts, each below its number.
fn texts(ranking: &Ranking) -> String {
    let mut text = String::new();
    for counted in &ranking.statements {
        text.push_str(&format!("\n{}:\n", counted.key.queryid));
        for line in ranking.text(counted).lines() {
            text.push_str(&format!("  {}\n", escape_control(line)));
        }
    }
    text
}

/// All counters, a line each statement.
fn csv(ranking: &Ranking) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut objects = (0..ranking.statements.len()).map(|at| object(ranking, at)).peekable();
    let is_flat = |value: &Value| !value.is_array() && !value.is_object();
    let names = match objects.peek() {
        Some(Value::Object(first)) => first
            .iter()
            .filter(|(_, value)| is_flat(value))
            .map(|(name, _)| name.clone())
            .collect(),
        _ => vec!["queryid".to_owned(), "query".to_owned()],
    };
    // Writing to memory does not fail.
    drop(writer.write_record(&names));
    for object in objects {
        let fields = names.iter().map(|name| match &object[name] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            value => value.to_string(),
        });
        drop(writer.write_record(fields));
    }
    String::from_utf8_lossy(&writer.into_inner().unwrap_or_default()).into_owned()
}

fn markdown(ranking: &Ranking) -> String {
    let mut table = Table::new();
    let titles = columns(ranking).into_iter().map(|column| column.title);
    table
        .load_style(presets::ASCII_MARKDOWN)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(titles.chain(["query", "queryid"]));
    for counted in &ranking.statements {
        let cells = columns(ranking)
            .into_iter()
            .map(|column| right((column.value)(ranking, counted)));
        let query = one_line(&ranking.text(counted), usize::MAX).replace('|', "\\|");
        table.add_row(cells.chain([
            cell(format!("`{}`", escape_control(&query).replace('`', "'"))),
            cell(number_of(counted)),
        ]));
    }
    text(&table)
}

struct ReportColumn {
    title: &'static str,
    value: fn(&Ranking, &StatementDelta) -> String,
}

/// The columns that say something.
fn columns(ranking: &Ranking) -> Vec<ReportColumn> {
    let column =
        |title, value: fn(&Ranking, &StatementDelta) -> String| ReportColumn { title, value };
    let mut columns = vec![
        column("share", |ranking, it| percent(ranking.share(it))),
        column("total", |_, it| millis(it.counters.get(Counter::Total))),
        column("calls", |_, it| whole(it.counters.get(Counter::Calls))),
        column("average", |ranking, it| {
            let mark = if ranking.is_slow(it) { "!" } else { "" };
            format!("{}{mark}", millis(it.counters.mean()))
        }),
    ];
    let varies = |of: fn(&StatementDelta) -> Oid| {
        let mut all = ranking.statements.iter().map(of);
        let first = all.next();
        all.any(|other| Some(other) != first)
    };
    if varies(|it| it.key.dbid) {
        columns.push(column("database", |ranking, it| name(&ranking.names.databases, it.key.dbid)));
    }
    if varies(|it| it.key.userid) {
        columns.push(column("user", |ranking, it| name(&ranking.names.roles, it.key.userid)));
    }
    if ranking.is_compared {
        columns.push(column("before", |_, it| millis(it.before.as_ref().and_then(Counters::mean))));
        columns.push(column("slower", |_, it| {
            it.slowdown().map_or("new".to_owned(), |times| format!("{times:.1}×"))
        }));
    }
    if !ranking.findings.is_empty() {
        columns.push(column("fails", |ranking, it| {
            let own = |(at, _): &&(usize, String)| ranking.statements[*at].key == it.key;
            let own = ranking.findings.iter().filter(own).map(|(_, condition)| condition.as_str());
            own.collect::<Vec<_>>().join(", ")
        }));
    }
    columns.extend(further_columns(ranking));
    columns
}

/// Those that are less asked for.
fn further_columns(ranking: &Ranking) -> Vec<ReportColumn> {
    let column =
        |title, value: fn(&Ranking, &StatementDelta) -> String| ReportColumn { title, value };
    let mut columns = vec![column("max", |_, it| millis(it.counters.get(Counter::Max)))];
    columns.push(column("stddev", |_, it| millis(it.counters.get(Counter::Deviation))));
    columns.push(column("rows/call", |_, it| {
        it.counters.per_call(Counter::Rows).map_or("-".to_owned(), per_call)
    }));
    columns.push(column("hit", |_, it| percent(it.counters.cache_hit())));
    if ranking.any(Counter::TempWritten) {
        columns.push(column("temp", |_, it| {
            let blocks = it.counters.or_zero(Counter::TempWritten) as i64;
            format::bytes(blocks.saturating_mul(BLOCK_BYTES))
        }));
    }
    if ranking.any(Counter::WalBytes) {
        columns.push(column("WAL", |_, it| {
            format::bytes(it.counters.or_zero(Counter::WalBytes) as i64)
        }));
    }
    if ranking.any(Counter::JitTime) {
        columns.push(column("JIT", |_, it| millis(it.counters.get(Counter::JitTime))));
    }
    if ranking.statements.iter().any(|counted| counted.is_partial) {
        columns.push(column("", |_, it| if it.is_partial { "partial" } else { "" }.to_owned()));
    }
    columns
}

/// The statement's number, by which it can be asked for.
fn number_of(counted: &StatementDelta) -> String {
    let nested = if counted.key.toplevel { "" } else { " nested" };
    format!("{}{nested}", counted.key.queryid)
}

/// A number of rows; parts of one only where there are few.
fn per_call(rows: f64) -> String {
    match rows < 10.0 && rows.fract() != 0.0 {
        true => format!("{rows:.1}"),
        false => format::grouped(&format!("{rows:.0}")),
    }
}

fn name(names: &HashMap<Oid, String>, oid: Oid) -> String {
    names
        .get(&oid)
        .map_or_else(|| oid.to_string(), |name| escape_control(name).into_owned())
}

/// Texts are cut where the line ends; so much of them stands there at least, or they get a line of their own.
const LEAST_TEXT: usize = 40;
/// So many columns are always shown.
const FEWEST: usize = 5;
/// Where there is no line that ends.
const MOST_TEXT: usize = 200;

fn terminal(ranking: &Ranking, width: Option<u16>) -> String {
    let mut columns = columns(ranking);
    let width = width.map(usize::from);
    // What is further right says less.
    while width
        .is_some_and(|width| columns.len() > FEWEST && used(ranking, &columns) + LEAST_TEXT > width)
    {
        columns.pop();
    }
    let used = used(ranking, &columns);
    let shown = match width {
        Some(width) if used + LEAST_TEXT > width => texts_below(ranking, &columns, width),
        Some(width) => texts_beside(ranking, &columns, width - used),
        None => texts_beside(ranking, &columns, MOST_TEXT),
    };
    shown + &legend(ranking)
}

fn texts_beside(ranking: &Ranking, columns: &[ReportColumn], room: usize) -> String {
    let titles = columns.iter().map(|column| column.title);
    let mut table = table(&titles.chain(["query", "queryid"]).collect::<Vec<_>>());
    table.set_content_arrangement(ContentArrangement::Disabled);
    for counted in &ranking.statements {
        let query = cell(cut(ranking, counted, room));
        table.add_row(figures(ranking, columns, counted).chain([query, right(number_of(counted))]));
    }
    text(&table)
}

/// Where a line has no room for them: the number and the text in a line of their own.
fn texts_below(ranking: &Ranking, columns: &[ReportColumn], width: usize) -> String {
    let mut table = table(&columns.iter().map(|column| column.title).collect::<Vec<_>>());
    table.set_content_arrangement(ContentArrangement::Disabled);
    for counted in &ranking.statements {
        table.add_row(figures(ranking, columns, counted));
    }
    let figures = text(&table);
    let mut lines = figures.lines();
    let mut shown = lines.next().map_or(String::new(), |titles| format!("{titles}\n"));
    for (counted, figures) in ranking.statements.iter().zip(lines) {
        let number = number_of(counted);
        let query = cut(ranking, counted, width.saturating_sub(number.len() + 6));
        shown.push_str(&format!("{figures}\n    {number}  {query}\n"));
    }
    shown
}

fn figures<'r>(
    ranking: &'r Ranking,
    columns: &'r [ReportColumn],
    counted: &'r StatementDelta,
) -> impl Iterator<Item = Cell> + use<'r> {
    columns.iter().map(move |column| right((column.value)(ranking, counted)))
}

fn cut(ranking: &Ranking, counted: &StatementDelta, room: usize) -> String {
    let query = one_line(without_header(&ranking.text(counted)), room);
    escape_control(&query).into_owned()
}

/// What the column of the numbers takes.
fn width_of_numbers(ranking: &Ranking) -> usize {
    let widths = ranking.statements.iter().map(|counted| number_of(counted).len());
    widths.max().unwrap_or(0).max("queryid".len()) + 2
}

/// What the signs mean.
fn legend(ranking: &Ranking) -> String {
    if !ranking.statements.iter().any(|counted| ranking.is_slow(counted)) {
        return String::new();
    }
    let slow = format::seconds(ranking.slow_ms / 1e3).unwrap_or_default();
    format!("\n! slow: average ≥ {}\n", format::duration(slow))
}

/// Characters that the columns take.
fn used(ranking: &Ranking, columns: &[ReportColumn]) -> usize {
    let widths = columns.iter().map(|column| {
        let values =
            ranking.statements.iter().map(|it| (column.value)(ranking, it).chars().count());
        values.max().unwrap_or(0).max(column.title.chars().count()) + 2
    });
    widths.sum::<usize>() + 2 + width_of_numbers(ranking)
}

/// What was found out about single statements.
fn details(ranking: &Ranking) -> String {
    let mut text = String::new();
    for (counted, details) in ranking.statements.iter().zip(&ranking.details) {
        let mut lines = vec![String::new(), format!("{}:", counted.key.queryid)];
        lines.extend(
            ranking.text(counted).lines().map(|line| format!("  {}", escape_control(line))),
        );
        lines.extend(details.plan.iter().map(|line| format!("    {}", escape_control(line))));
        lines.extend(details.not_explained.iter().map(|why| format!("  not explained: {why}")));
        lines
            .extend(details.remarks.iter().map(|remark| format!("  - {}", escape_control(remark))));
        if !details.relations.is_empty() {
            lines.push(format!("  uses {}", escape_control(&details.relations.join(", "))));
        }
        let history = details.history.iter().map(|(when, counters)| {
            format!(
                "  {when}: {} calls, {} on average",
                whole(counters.get(Counter::Calls)),
                millis(counters.mean())
            )
        });
        lines.extend(history);
        text.push_str(&(lines.join("\n") + "\n"));
    }
    text
}

/// All counters of each statement, a line each.
fn in_depth(ranking: &Ranking) -> String {
    ranking
        .statements
        .iter()
        .map(|counted| figures_table(ranking, counted) + "\n")
        .collect()
}

fn figures_table(ranking: &Ranking, counted: &StatementDelta) -> String {
    let mut table = table(&["counter", "value", "each call"]);
    let user = ranking.names.roles.get(&counted.key.userid);
    let database = ranking.names.databases.get(&counted.key.dbid);
    for (name, value) in [("user", user), ("database", database)] {
        let shown = value.map_or("-".into(), |value| escape_control(value));
        table.add_row(vec![cell(name), right(shown)]);
    }
    for counter in Counter::all() {
        let value = counted.counters.get(counter);
        let each = match counter.kind() {
            CounterKind::Extreme => None,
            _ if counter == Counter::Calls => None,
            _ => counted.counters.per_call(counter),
        };
        let shown_each = each.map_or("-".to_owned(), |it| format!("{it:.2}"));
        let shown = match counter.kind() {
            CounterKind::Count => whole(value),
            _ => value.map_or("-".to_owned(), |value| format!("{value:.3}")),
        };
        table.add_row(vec![cell(counter.name()), right(shown), right(shown_each)]);
    }
    text(&table)
}

fn summary(ranking: &Ranking) -> String {
    let number = |number: i64| usize::try_from(number).unwrap_or(0);
    let span = match ranking.from_epoch {
        Some(from) => {
            let length = format::seconds(ranking.ends.taken_epoch - from).unwrap_or_default();
            let length = format::duration(length);
            let since = format::clock(from, ranking.ends.taken_epoch);
            format!("In the last {length} (since {since})")
        }
        None => "So far".to_owned(),
    };
    let slow = format::seconds(ranking.slow_ms / 1e3).unwrap_or_default();
    let mut summary = format!(
        "{span}: {}, {} slow (average ≥ {})",
        format::count(number(ranking.all), "statement", "statements"),
        ranking.slow,
        format::duration(slow)
    );
    if ranking.matching > i64::try_from(ranking.statements.len()).unwrap_or(0) {
        let shown = ranking.statements.len();
        summary.push_str(&format!("; showing {shown} of {}", format::whole(ranking.matching)));
    }
    format!("{summary}.")
}

fn percent(share: Option<f64>) -> String {
    share.map_or("-".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

fn millis(millis: Option<f64>) -> String {
    let duration = |millis: f64| Duration::try_from_secs_f64(millis.max(0.0) / 1e3);
    let duration = millis.and_then(|millis| duration(millis).ok());
    duration.map_or("-".to_owned(), format::duration)
}

fn whole(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format::whole(value as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::statements::StatementKey;

    fn ranking() -> Ranking {
        let key = StatementKey {
            userid: 10,
            dbid: 16384,
            queryid: -5587090947417776973,
            toplevel: true,
        };
        let mut counters = Counters::default();
        let values = [(Counter::Calls, 2.0), (Counter::Total, 9.8), (Counter::Max, 6.9)];
        values.iter().for_each(|(counter, value)| counters.set(*counter, Some(*value)));
        let text = "SELECT a, b FROM a_table_with_a_long_name WHERE c = $1 ORDER BY d LIMIT $2";
        Ranking {
            statements: vec![StatementDelta { key, counters, is_partial: false, before: None }],
            texts: [(key, text.to_owned())].into(),
            slow_ms: 100.0,
            all_ms: 100.0,
            ..Ranking::default()
        }
    }

    #[test]
    fn a_row_keeps_to_its_line_and_a_text_without_room_gets_one_of_its_own() {
        for width in [60, 80, 100, 120, 200] {
            let shown = terminal(&ranking(), Some(width));
            let longest = shown.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(longest <= usize::from(width), "{width}:\n{shown}");
            assert!(shown.contains("-5587090947417776973"), "{width}:\n{shown}");
        }
        let wanted = " SHARE  TOTAL   CALLS  AVERAGE  MAX\n 9.8 %  9.8 ms      2   4.9 ms  6.9 ms\n    \
                      -5587090947417776973  SELECT a, b FROM a_table_wit…\n";
        assert_eq!(terminal(&ranking(), Some(55)), wanted);
        assert!(terminal(&ranking(), Some(200)).lines().nth(1).unwrap().contains("LIMIT $2"));
    }
}
