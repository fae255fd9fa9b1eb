//! What `activity` shows.

use std::time::Duration;

use comfy_table::Cell;
use jiff::ZonedDateTime;

use super::document::{Document, Outcome, SessionDocument};
use super::harmless::harmless;
use super::table::{right, table, text};
use super::{Console, Format, Volume};
use crate::catalog::activity::ActiveSession;
use crate::figures;
use crate::plan::activity::Node;
use crate::plan::{Warning, one_line};

/// One look, arranged.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Look {
    /// From above to below.
    pub nodes: Vec<Node>,
    /// What could not be seen.
    pub warnings: Vec<Warning>,
    /// The least age that was asked for.
    pub min_age: Duration,
}

/// Shows the only look.
pub fn show(console: &Console, look: &Look) {
    if console.manner().format == Format::Json {
        return console.json(&document(console, look));
    }
    if !look.nodes.is_empty() {
        console.product(&sessions_table(console, &look.nodes));
    }
    warnings(console, look);
    console.narrate(&summary(look));
}

/// Shows one look of several, over the one before if that is on a terminal. Returns whether anybody
/// reads it.
pub fn show_again(console: &Console, look: &Look) -> bool {
    if console.manner().format == Format::Json {
        return console.offer_json(&document(console, look));
    }
    let now = ZonedDateTime::now().strftime("%H:%M:%S").to_string();
    let mut page = format!("{now}  {}\n", summary(look));
    if !look.nodes.is_empty() {
        page.push_str(&sessions_table(console, &look.nodes));
    }
    let is_read = console.redraw(&page);
    warnings(console, look);
    is_read
}

fn document(console: &Console, look: &Look) -> Document {
    let mut document = console.document().with_warnings(&look.warnings);
    document.outcome = if look.nodes.is_empty() { Outcome::NothingToDo } else { Outcome::Done };
    document.sessions = Some(look.nodes.iter().map(SessionDocument::new).collect());
    document
}

fn warnings(console: &Console, look: &Look) {
    for warning in &look.warnings {
        console.warn(&format!("{}: {}", warning.object, warning.message));
    }
}

fn summary(look: &Look) -> String {
    if look.nodes.is_empty() {
        let age = figures::duration(look.min_age);
        return format!("No statement or transaction is older than {age}, and nobody waits.");
    }
    let words = ["waiting", "running", "idle in a transaction", "prepared", "other"];
    let count = |word| look.nodes.iter().filter(|node| kind(&node.session) == word).count();
    let parts = words.iter().map(|word| (count(*word), word)).filter(|(number, _)| *number > 0);
    let parts = parts.map(|(number, word)| format!("{number} {word}")).collect::<Vec<_>>();
    format!("{}.", parts.join(", "))
}

fn kind(session: &ActiveSession) -> &'static str {
    match session.state.as_deref() {
        _ if waits(session) => "waiting",
        Some("prepared") => "prepared",
        Some(state) if state.starts_with("idle in transaction") => "idle in a transaction",
        _ if session.statement_seconds.is_some() => "running",
        _ => "other",
    }
}

fn waits(session: &ActiveSession) -> bool {
    session.lock.is_some() || !session.blocked_by.is_empty()
}

/// The statements come last and are given the room that the rest leaves.
fn sessions_table(console: &Console, nodes: &[Node]) -> String {
    let databases = nodes.iter().filter_map(|node| node.session.database.as_deref());
    let has_several = databases.clone().any(|database| Some(database) != databases.clone().next());
    let columns = columns(has_several);
    let statements = nodes.iter().map(|node| statement(&node.session)).collect::<Vec<_>>();
    let without = draw(&columns, nodes, None);
    let room = room(console, &text(&without), without.width());
    let cut = statements.iter().map(|statement| one_line(statement, room));
    text(&draw(&columns, nodes, Some(&cut.collect::<Vec<_>>())))
}

/// How many characters of a statement are shown.
fn room(console: &Console, rest: &str, terminal_width: Option<u16>) -> usize {
    if console.manner().volume == Volume::Verbose {
        return usize::MAX;
    }
    let Some(width) = terminal_width else { return WIDTH_IN_A_FILE };
    let used = rest.lines().map(|line| line.chars().count()).max().unwrap_or_default();
    usize::from(width).saturating_sub(used + PADDING).max(LEAST_WIDTH)
}

/// Where there is no terminal whose width would count.
const WIDTH_IN_A_FILE: usize = 200;

/// Less does not tell one statement from another.
const LEAST_WIDTH: usize = 20;

/// The blanks around a column, and that at the end of the column before.
const PADDING: usize = 3;

/// A column: its title and what stands in it.
type Column = (&'static str, fn(&Node) -> Cell);

fn columns(has_several_databases: bool) -> Vec<Column> {
    let mut columns: Vec<Column> = vec![
        ("pid", |node| Cell::new(in_tree(node))),
        ("user", |node| plain(node.session.role.as_deref())),
        ("database", |node| plain(node.session.database.as_deref())),
        ("application", |node| plain(Some(&application(&node.session)))),
        ("state", |node| plain(Some(state(&node.session)))),
        ("for", |node| age(lasts(&node.session))),
        ("transaction", |node| age(node.session.transaction_seconds)),
        ("blocks", |node| right(if node.blocks > 0 { node.blocks.to_string() } else { dash() })),
        ("waits for", |node| plain(Some(&awaited(node)))),
    ];
    columns.retain(|(title, _)| has_several_databases || *title != "database");
    columns
}

fn draw(columns: &[Column], nodes: &[Node], statements: Option<&[String]>) -> comfy_table::Table {
    let titles = columns.iter().map(|(title, _)| *title);
    let mut drawn = table(&titles.chain(statements.map(|_| "statement")).collect::<Vec<_>>());
    for (at, node) in nodes.iter().enumerate() {
        let cells = columns.iter().map(|(_, cell)| cell(node));
        let statement = statements.map(|statements| Cell::new(&statements[at]));
        drawn.add_row(cells.chain(statement).collect::<Vec<_>>());
    }
    drawn
}

fn dash() -> String {
    "-".to_owned()
}

fn plain(text: Option<&str>) -> Cell {
    Cell::new(harmless(text.filter(|text| !text.is_empty()).unwrap_or("-")))
}

fn age(seconds: Option<f64>) -> Cell {
    let duration = seconds.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)));
    right(duration.map_or(dash(), |duration| figures::duration(duration.unwrap_or_default())))
}

/// The pid, below the one that it waits for.
fn in_tree(node: &Node) -> String {
    let name = match &node.session.gid {
        Some(gid) => harmless(gid).into_owned(),
        None => node.session.pid.to_string(),
    };
    match node.depth {
        0 => name,
        // A no-break space, because a table trims the other.
        depth => format!("{}└ {name}", "\u{a0}\u{a0}".repeat(depth - 1)),
    }
}

/// What it is and from where.
fn application(session: &ActiveSession) -> String {
    let backend_type = session.backend_type.as_deref().filter(|it| *it != "client backend");
    let name = session.application.as_deref().or(backend_type).unwrap_or("-");
    match &session.client {
        Some(client) => format!("{name} ({client})"),
        None => name.to_owned(),
    }
}

fn state(session: &ActiveSession) -> &str {
    match &session.state {
        _ if waits(session) => "waits",
        Some(state) => state,
        None if session.is_hidden => "hidden",
        None => "-",
    }
}

/// For how long it has been in its state.
fn lasts(session: &ActiveSession) -> Option<f64> {
    session.waits_seconds.or(session.statement_seconds).or(session.idle_seconds)
}

/// The lock and who else is before it, or what a running statement waits for besides locks.
fn awaited(node: &Node) -> String {
    let session = &node.session;
    if !waits(session) {
        let event = session.wait_event_type.as_ref().zip(session.wait_event.as_ref());
        let event = event.filter(|_| session.statement_seconds.is_some());
        return event.map_or(dash(), |(kind, event)| format!("{kind}: {event}"));
    }
    let mut parts = session.lock.iter().map(ToString::to_string).collect::<Vec<_>>();
    if !node.also_behind.is_empty() {
        let also = if node.depth > 0 { "also behind" } else { "behind" };
        parts.push(format!("{also} {}", first_few(&node.also_behind)));
    }
    if node.is_in_circle {
        parts.push("in a circle".to_owned());
    }
    parts.join(", ")
}

/// A queue of hundreds need not be listed; the JSON document has all.
fn first_few(names: &[String]) -> String {
    const FEW: usize = 3;
    let more = names.len().saturating_sub(FEW);
    let shown = names.iter().take(FEW).cloned().collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// The statement on one line, whole.
fn statement(session: &ActiveSession) -> String {
    match &session.query {
        Some(query) => harmless(&one_line(query, usize::MAX)).into_owned(),
        None if session.is_hidden => "(hidden)".to_owned(),
        None => dash(),
    }
}
