//! What `activity` shows.

use std::time::Duration;

use comfy_table::{Cell, Table};
use serde::Serialize;

use super::plan::WaitNode;
use crate::escape_control::escape_control;
use crate::facts::activity::ActiveSession;
use crate::format;
use crate::output::table::{cell, paragraph, right, table, text};
use crate::output::{Head, Outcome, Report, Style, Text, Verbosity};
use crate::warning::Warning;
use crate::work::plan::one_line;

/// One look, arranged.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Look {
    /// From above to below.
    pub nodes: Vec<WaitNode>,
    /// What could not be seen.
    pub warnings: Vec<Warning>,
    /// The least age that was asked for.
    pub min_age: Duration,
}

impl Look {
    /// How many of each kind.
    pub fn counts(&self) -> [(&'static str, usize); 5] {
        let words = ["waiting", "running", "idle in a transaction", "prepared", "other"];
        let count = |word| self.nodes.iter().filter(|node| kind(&node.session) == word).count();
        words.map(|word| (word, count(word)))
    }

    /// How many of which kind, in words.
    pub fn summary(&self) -> String {
        if self.nodes.is_empty() {
            let age = format::duration(self.min_age);
            return format!(
                "No statement or transaction is older than {age}, and no session waits."
            );
        }
        let parts = self
            .counts()
            .into_iter()
            .map(|(word, number)| (number, word))
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| format!("{number} {word}"))
            .collect::<Vec<_>>();
        format!("{}.", parts.join(", "))
    }

    /// Without the statements, which may hold what is nobody's business.
    pub fn hide_texts(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.session.query = None);
    }
}

/// A session in its place, with the keys of the document.
pub fn document(node: &WaitNode) -> serde_json::Value {
    serde_json::to_value(SessionDocument::new(node)).unwrap_or_default()
}

impl Report for Look {
    fn outcome(&self) -> Outcome {
        if self.nodes.is_empty() {
            Outcome::NothingToDo
        } else {
            Outcome::Done
        }
    }

    fn json(&self, head: Head) -> String {
        let sessions = self.nodes.iter().map(SessionDocument::new).collect();
        head.document(self.outcome(), ActivityDocument { sessions }, &self.warnings)
    }

    fn text(&self, style: &Style) -> Text {
        let mut text = Text::default();
        if !self.nodes.is_empty() {
            text.product(sessions_table(&self.nodes, style.verbosity, style.width));
        }
        text.warnings(&self.warnings, style);
        text.narrate(self.summary());
        text
    }
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

/// Whether it waits for a lock.
pub fn waits(session: &ActiveSession) -> bool {
    session.lock.is_some() || !session.blocked_by.is_empty()
}

/// The statements come last and are given the room that the rest leaves.
fn sessions_table(nodes: &[WaitNode], verbosity: Verbosity, width: Option<u16>) -> String {
    let wide = ScreenLayout {
        columns: wide_columns(nodes),
        last: ("statement", statement),
        width,
    };
    let fits = wide.room(nodes).is_none_or(|room| room >= LEAST_ROOM);
    let layout = if fits { wide } else { narrow(nodes, width) };
    let room = match verbosity {
        Verbosity::Verbose => usize::MAX,
        _ => layout.room(nodes).map_or(ROOM_IN_A_FILE, |room| room.max(LEAST_ROOM)),
    };
    text(&layout.draw(nodes, Some(room)))
}

/// What a session waits for has to stand in its line unbroken; what says less than that gives way.
fn narrow(nodes: &[WaitNode], width: Option<u16>) -> ScreenLayout {
    let last: LastColumn = ("session", session);
    let mut layout = ScreenLayout { columns: narrow_columns(), last, width };
    for title in ["transaction", "blocks"] {
        if layout.room(nodes).is_some_and(|room| room < ROOM_FOR_A_SESSION) {
            layout.columns.retain(|(known, _)| *known != title);
        }
    }
    layout
}

/// `for ShareUpdateExclusiveLock on`, or so much of a name.
const ROOM_FOR_A_SESSION: usize = 32;

/// How many characters of a statement are shown where there is no terminal.
const ROOM_IN_A_FILE: usize = 200;

/// Less does not tell one statement from another.
const LEAST_ROOM: usize = 20;

/// A column: its title and what stands in it.
type Column = (&'static str, fn(&WaitNode) -> Cell);

/// Its title, and the lines of a node for so much room.
type LastColumn = (&'static str, fn(&WaitNode, usize) -> Vec<String>);

/// What is shown beside what.
struct ScreenLayout {
    columns: Vec<Column>,
    /// The last column, which is given a number of characters to keep to.
    last: LastColumn,
    /// That of the terminal, if it goes to one.
    width: Option<u16>,
}

impl ScreenLayout {
    /// With the last column, if it is told its room.
    fn draw(&self, nodes: &[WaitNode], room: Option<usize>) -> Table {
        let titles = self.columns.iter().map(|(title, _)| *title);
        let mut drawn = table(&titles.chain(room.map(|_| self.last.0)).collect::<Vec<_>>());
        if let Some(width) = self.width {
            drawn.set_width(width);
        }
        for node in nodes {
            let cells = self.columns.iter().map(|(_, cell)| cell(node));
            let last = room.map(|room| paragraph(&(self.last.1)(node, room)));
            drawn.add_row(cells.chain(last).collect::<Vec<_>>());
        }
        drawn
    }

    /// The characters that the other columns leave for the last on a terminal.
    fn room(&self, nodes: &[WaitNode]) -> Option<usize> {
        // The blanks around a column, and that at the end of the column before.
        const PADDING: usize = 3;
        let width = usize::from(self.width?);
        let rest = text(&self.draw(nodes, None));
        let used = rest.lines().map(|line| line.chars().count()).max().unwrap_or_default();
        Some(width.saturating_sub(used + PADDING))
    }
}

fn wide_columns(nodes: &[WaitNode]) -> Vec<Column> {
    let first = nodes.first().and_then(|node| node.session.database.as_deref());
    let is_one = nodes.iter().all(|node| node.session.database.as_deref() == first);
    let mut columns: Vec<Column> = vec![
        ("pid", |node| cell(in_tree(node))),
        ("user", |node| plain(node.session.role.as_deref())),
        ("database", |node| plain(node.session.database.as_deref())),
        ("application", |node| plain(Some(&application(&node.session)))),
        ("state", |node| plain(Some(state(&node.session)))),
        ("for", |node| age(lasts(&node.session))),
        ("transaction", |node| age(node.session.transaction_seconds)),
        ("blocks", blocks),
        ("waits for", |node| plain(Some(&awaited(node)))),
    ];
    columns.retain(|(title, _)| !is_one || *title != "database");
    columns
}

/// For a terminal where the others are too many.
fn narrow_columns() -> Vec<Column> {
    vec![
        ("pid", |node| cell(in_tree(node))),
        ("for", |node| age(lasts(&node.session))),
        ("transaction", |node| age(node.session.transaction_seconds)),
        ("blocks", blocks),
    ]
}

/// What the narrow layout has no columns for, one below the other.
fn session(node: &WaitNode, room: usize) -> Vec<String> {
    let it = &node.session;
    let application = application(it);
    let who = [it.role.as_deref(), it.database.as_deref(), Some(&application), Some(state(it))]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ");
    let awaited = Some(awaited(node))
        .filter(|awaited| *awaited != dash())
        .map(|awaited| format!("for {awaited}"));
    [Some(who), awaited]
        .into_iter()
        .flatten()
        .chain(statement(node, room))
        .collect()
}

fn blocks(node: &WaitNode) -> Cell {
    right(if node.blocks > 0 {
        node.blocks.to_string()
    } else {
        dash()
    })
}

fn dash() -> String {
    "-".to_owned()
}

fn plain(text: Option<&str>) -> Cell {
    cell(text.filter(|text| !text.is_empty()).unwrap_or("-"))
}

fn age(seconds: Option<f64>) -> Cell {
    let duration = seconds.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)));
    right(duration.map_or(dash(), |duration| format::duration(duration.unwrap_or_default())))
}

/// The pid, below the one that it waits for.
fn in_tree(node: &WaitNode) -> String {
    let name = match &node.session.gid {
        Some(gid) => escape_control(gid).into_owned(),
        None => node.session.pid.to_string(),
    };
    match node.depth {
        0 => name,
        // A no-break space, because a table trims the other.
        depth => format!("{}└ {name}", "\u{a0}\u{a0}".repeat(depth - 1)),
    }
}

/// What it is and from where.
pub fn application(session: &ActiveSession) -> String {
    let backend_type = session.backend_type.as_deref().filter(|it| *it != "client backend");
    let name = session.application.as_deref().or(backend_type).unwrap_or("-");
    match &session.client {
        Some(client) => format!("{name} ({client})"),
        None => name.to_owned(),
    }
}

pub fn state(session: &ActiveSession) -> &str {
    match &session.state {
        _ if waits(session) => "waits",
        Some(state) => state,
        None if session.is_hidden => "hidden",
        None => "-",
    }
}

/// For how long it has been in its state.
pub fn lasts(session: &ActiveSession) -> Option<f64> {
    session.waits_seconds.or(session.statement_seconds).or(session.idle_seconds)
}

/// The lock and who else is before it, or what a running statement waits for besides locks.
pub fn awaited(node: &WaitNode) -> String {
    let session = &node.session;
    if !waits(session) {
        let event = session
            .wait_event_type
            .as_ref()
            .zip(session.wait_event.as_ref())
            .filter(|_| session.statement_seconds.is_some());
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
    if more > 0 {
        format!("{shown} and {more} more")
    } else {
        shown
    }
}

/// The statement on one line.
fn statement(node: &WaitNode, room: usize) -> Vec<String> {
    vec![match &node.session.query {
        Some(query) => one_line(&escape_control(&one_line(query, usize::MAX)), room),
        None if node.session.is_hidden => "(hidden)".to_owned(),
        None => dash(),
    }]
}

#[derive(Debug, Serialize)]
struct ActivityDocument {
    sessions: Vec<SessionDocument>,
}

/// A session or a prepared transaction.
#[derive(Debug, Clone, Serialize)]
struct SessionDocument {
    pid: i32,
    gid: Option<String>,
    user: Option<String>,
    database: Option<String>,
    application: Option<String>,
    client: Option<String>,
    state: Option<String>,
    wait_event_type: Option<String>,
    wait_event: Option<String>,
    backend_type: Option<String>,
    query: Option<String>,
    duration_ms: Option<u64>,
    transaction_ms: Option<u64>,
    idle_ms: Option<u64>,
    blocked_by: Vec<i32>,
    blocked_by_gids: Vec<String>,
    blocks: usize,
    in_circle: bool,
    waits_ms: Option<u64>,
    lock: Option<String>,
}

impl SessionDocument {
    /// A session in its place.
    fn new(node: &WaitNode) -> Self {
        let session = node.session.clone();
        let millis = |seconds: Option<f64>| seconds.map(|seconds| (seconds.max(0.0) * 1e3) as u64);
        SessionDocument {
            pid: session.pid,
            gid: session.gid,
            user: session.role,
            database: session.database,
            application: session.application,
            client: session.client,
            state: session.state,
            wait_event_type: session.wait_event_type,
            wait_event: session.wait_event,
            backend_type: session.backend_type,
            query: session.query.map(|query| one_line(&query, usize::MAX)),
            duration_ms: millis(session.statement_seconds),
            transaction_ms: millis(session.transaction_seconds),
            idle_ms: millis(session.idle_seconds),
            blocked_by: session.blocked_by,
            blocked_by_gids: session.blocked_by_gids,
            blocks: node.blocks,
            in_circle: node.is_in_circle,
            waits_ms: millis(session.waits_seconds),
            lock: session.lock.as_ref().map(ToString::to_string),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::activity::AwaitedLock;

    fn nodes() -> Vec<WaitNode> {
        let blocker = ActiveSession {
            pid: 4711,
            role: Some("nova".to_owned()),
            database: Some("nova".to_owned()),
            application: Some("nova-web".to_owned()),
            client: Some("192.0.2.7".to_owned()),
            state: Some("idle in transaction".to_owned()),
            query: Some("SELECT * FROM customers\n WHERE phone = '0123456789'".to_owned()),
            transaction_seconds: Some(90.0),
            idle_seconds: Some(85.0),
            ..ActiveSession::default()
        };
        let lock = AwaitedLock {
            mode: "AccessExclusiveLock".to_owned(),
            target: "public.customers".to_owned(),
        };
        let waiter = ActiveSession {
            pid: 4712,
            application: None,
            backend_type: Some("background worker".to_owned()),
            client: None,
            query: Some("ALTER TABLE customers ADD note text".to_owned()),
            statement_seconds: Some(12.0),
            waits_seconds: Some(12.0),
            lock: Some(lock),
            ..blocker.clone()
        };
        let node = |session, depth, blocks| WaitNode {
            session,
            depth,
            blocks,
            is_in_circle: false,
            also_behind: Vec::new(),
        };
        vec![node(blocker, 0, 1), node(waiter, 1, 0)]
    }

    #[test]
    fn a_table_keeps_to_the_terminal() {
        for width in [60, 80, 100, 132, 150, 180, 250] {
            let table = sessions_table(&nodes(), Verbosity::Normal, Some(width));
            let widest = table.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(widest <= usize::from(width), "{width}:\n{table}");
            assert!(table.contains("\n └ 4712 "), "{width}:\n{table}");
        }
    }

    #[test]
    fn statements_take_what_is_left() {
        let table = sessions_table(&nodes(), Verbosity::Normal, Some(160));
        assert!(table.contains("  SELECT * FROM customers WH…\n"), "{table}");
        let table = sessions_table(&nodes(), Verbosity::Normal, Some(80));
        assert!(
            table.contains("\n 4711    1 min 25 s   1 min 30 s       1  nova, nova, "),
            "{table}"
        );
        assert!(table.contains("    SELECT * FROM customers WHERE phone …\n"), "{table}");
        let table = sessions_table(&nodes(), Verbosity::Verbose, None);
        assert!(
            table.contains("  SELECT * FROM customers WHERE phone = '0123456789'\n"),
            "{table}"
        );
    }

    #[test]
    fn a_lock_is_never_broken_and_what_says_less_gives_way() {
        for (width, has_transaction) in [(60, false), (80, true), (120, true)] {
            let shown = sessions_table(&nodes(), Verbosity::Normal, Some(width));
            assert!(shown.contains("AccessExclusiveLock"), "{width}:\n{shown}");
            assert!(shown.contains("public.customers"), "{width}:\n{shown}");
            assert_eq!(shown.contains("TRANSACTION"), has_transaction, "{width}:\n{shown}");
        }
    }
}
