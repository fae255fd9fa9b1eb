//! The pages: what README and docs show in their sessions is what pgtend says.
//!
//! A session is a block of the kind `console`. Above it a comment says what it starts from:
//!
//! ```text
//! <!-- session            a fresh database and folder; `<!-- then` goes on with the last ones
//! [sql]                   statements, one message
//! [file db/indexes.sql]   a file of the folder
//! [run]                   a command whose output the page does not show
//! [hold 2s]               a transaction that has run this and stays open; without a time to the end
//! [wait]                  a statement that waits for a lock
//! -->
//! ```
//!
//! Times, sizes, process ids, versions and the like are masked before the two are compared; a line
//! `[…]` stands for any lines. `PGTEND_UPDATE_PAGES=1` writes down what pgtend says now.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::runtime;
use tokio_postgres::Client;

use crate::support::command::Pgtend;
use crate::support::{Database, until, value};

const ELISION: &str = "[…]";

/// A part of a page; all of them together are the page.
enum Piece {
    Text(String),
    SetUp(SetUp),
    Block(Vec<Call>),
}

struct SetUp {
    text: String,
    is_fresh: bool,
    steps: Vec<Step>,
}

/// A section of a set-up: its words in brackets, and what stands below.
struct Step {
    head: String,
    body: String,
}

/// A command, and what the page says that it says.
struct Call {
    line: String,
    shown: Vec<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn is_to_be_updated() -> bool {
    std::env::var_os("PGTEND_UPDATE_PAGES").is_some()
}

/// README and every page of docs/ that people read; the rules' pages have a test of their own.
fn pages() -> Vec<PathBuf> {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages = docs
        .filter(|path| path.extension().is_some_and(|it| it == "md"))
        .collect::<Vec<_>>();
    pages.push(root().join("README.md"));
    pages.sort();
    pages
}

fn parse(page: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let until = |end: &'static str, lines: &mut std::str::Lines<'_>| {
            lines.take_while(|line| *line != end).map(str::to_owned).collect::<Vec<_>>()
        };
        match line {
            "<!-- session" | "<!-- then" => {
                let inner = until("-->", &mut lines);
                let text = format!("{line}\n{}\n-->\n", inner.join("\n"));
                let is_fresh = line.ends_with("session");
                pieces.push(Piece::SetUp(SetUp { text, is_fresh, steps: steps(&inner) }));
            }
            "```console" => pieces.push(Piece::Block(calls(&until("```", &mut lines)))),
            _ => pieces.push(Piece::Text(format!("{line}\n"))),
        }
    }
    pieces
}

fn steps(lines: &[String]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in lines {
        let head = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
        match (head, steps.last_mut()) {
            (Some(head), _) => steps.push(Step { head: head.to_owned(), body: String::new() }),
            (None, Some(step)) => step.body += &format!("{line}\n"),
            (None, None) => panic!("a set-up begins with a section, not with {line:?}"),
        }
    }
    steps
}

fn calls(lines: &[String]) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    for line in lines {
        match (line.strip_prefix("$ "), calls.last_mut()) {
            (Some(command), _) => {
                calls.push(Call { line: command.to_owned(), shown: Vec::new() });
            }
            (None, Some(call)) if call.line.ends_with('\\') => call.line += &format!("\n{line}"),
            (None, Some(call)) => call.shown.push(line.clone()),
            (None, None) => panic!("a session begins with a command, not with {line:?}"),
        }
    }
    calls
}

fn render(pieces: &[Piece]) -> String {
    let texts = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::SetUp(set_up) => set_up.text.clone(),
        Piece::Block(calls) => {
            let lines = calls.iter().flat_map(|call| {
                std::iter::once(format!("$ {}\n", call.line))
                    .chain(call.shown.iter().map(|line| format!("{line}\n")))
            });
            format!("```console\n{}```\n", lines.collect::<String>())
        }
    });
    texts.collect()
}

/// Where a page's sessions take place.
struct Scene {
    db: Database,
    folder: tempfile::TempDir,
    held: Vec<Client>,
    /// The exit code of the last command.
    status: i32,
}

impl Scene {
    async fn new() -> Scene {
        let db = Database::new().await;
        let folder = tempfile::tempdir().unwrap();
        Scene { db, folder, held: Vec::new(), status: 0 }
    }

    async fn set_up(&mut self, steps: &[Step]) {
        for step in steps {
            match step.head.split_once(' ').unwrap_or((&step.head, "")) {
                ("sql", "") => self.db.sql(&step.body).await,
                ("file", name) => self.write(name, &step.body),
                ("run", "") => drop(self.run(&step.body)),
                ("hold", time) => self.hold(&step.body, time).await,
                ("wait", "") => self.wait(&step.body).await,
                _ => panic!("there is no section [{}]", step.head),
            }
        }
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A session of the application.
    async fn session(&self) -> Client {
        let client = self.db.session().await;
        client.batch_execute("SET application_name = 'shop-web'").await.unwrap();
        client
    }

    async fn hold(&mut self, sql: &str, time: &str) {
        let client = self.session().await;
        client.batch_execute("BEGIN").await.unwrap();
        client.batch_execute(sql.trim_end()).await.unwrap();
        if time.is_empty() {
            self.held.push(client);
            return;
        }
        let seconds = time.strip_suffix('s').and_then(|time| time.parse().ok());
        let seconds = seconds.unwrap_or_else(|| panic!("{time:?} is no time like 2s"));
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            drop(client);
        });
    }

    async fn wait(&mut self, sql: &str) {
        let client = self.session().await;
        let pid = value(&client, "SELECT pg_backend_pid()").await;
        let statement = sql.trim_end().to_owned();
        tokio::spawn(async move { client.batch_execute(&statement).await });
        until(&format!("{sql} waits"), || async {
            let waits = format!("SELECT count(*) FROM pg_locks WHERE pid = {pid} AND NOT granted");
            self.db.value(&waits).await != "0"
        })
        .await;
    }

    /// What the command says on both streams, as it would with this database at home. Not every
    /// machine has jq, so its part is played here.
    fn run(&mut self, line: &str) -> String {
        let is_pretty = line.ends_with(" | jq .");
        let line = line.trim_end_matches(" | jq .");
        let cache = self.folder.path().join(".cache").display().to_string();
        let call = Pgtend::in_shell(&format!("exec 2>&1\n(exit {})\n{line}", self.status));
        let call = call
            .env("DATABASE_URL", &self.db.url_as("postgres"))
            .env("XDG_CACHE_HOME", &cache);
        let output = call.within(self.folder.path()).run();
        self.status = output.code;
        let folder = format!("{}/", self.folder.path().display());
        let server = self.db.server;
        let said = match is_pretty {
            true => pretty(&output.stdout),
            false => output.stdout,
        };
        said.replace(&self.db.name, "shop")
            .replace(&folder, "")
            .replace(&server.socket_dir, "/run/postgresql")
            .replace(&server.port.to_string(), "5432")
            // Only 16 and newer have it.
            .replace(", SKIP_DATABASE_STATS", "")
    }
}

fn pretty(document: &str) -> String {
    let document = serde_json::from_str::<serde_json::Value>(document).unwrap();
    serde_json::to_string_pretty(&document).unwrap()
}

/// Runs the page's sessions, and puts down what was said; fails if that is something else.
async fn play(page: &Path) {
    let text = fs::read_to_string(page).unwrap();
    let mut pieces = parse(&text);
    assert_eq!(render(&pieces), text, "{} is not read as it stands there", page.display());
    let mut scene = None;
    let mut wrong = Vec::new();
    for piece in &mut pieces {
        match piece {
            Piece::Text(_) => {}
            Piece::SetUp(set_up) => {
                if set_up.is_fresh {
                    scene = Some(Scene::new().await);
                }
                scene.as_mut().expect("a session before").set_up(&set_up.steps).await;
            }
            Piece::Block(calls) => {
                let scene = scene.as_mut();
                let scene = scene.unwrap_or_else(|| panic!("{}: no set-up", page.display()));
                wrong.extend(calls.iter_mut().filter_map(|call| compare(scene, call)));
            }
        }
    }
    let wrong = wrong.join("\n");
    if !wrong.is_empty() && is_to_be_updated() {
        fs::write(page, render(&pieces)).unwrap();
    } else {
        assert!(wrong.is_empty(), "{}: `make pages` writes down\n{wrong}", page.display());
    }
}

/// Runs the command; where the page shows something else, changes that and tells it.
fn compare(scene: &mut Scene, call: &mut Call) -> Option<String> {
    let said = scene.run(&call.line);
    let said = said.lines().filter(|line| !is_progress(line));
    let said = said.map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    let [masked, shown] =
        [&said, &call.shown].map(|lines| lines.iter().map(|line| mask(line)).collect::<Vec<_>>());
    if matches(&shown, &masked) {
        return None;
    }
    let shown = std::mem::replace(&mut call.shown, said).join("\n");
    Some(format!(
        "$ {}\n--- shown\n{shown}\n--- said\n{}",
        call.line,
        call.shown.join("\n")
    ))
}

/// `refresh public.totals: 100 %, ANALYZE: computing statistics`: only what takes long enough shows it.
fn is_progress(line: &str) -> bool {
    let percent = line.split_once(" %, ").and_then(|(before, _)| before.rsplit(": ").next());
    percent.is_some_and(|percent| percent.parse::<u8>().is_ok())
}

/// Whether the lines are those that are shown, where an elision stands for any number of lines.
fn matches(shown: &[String], said: &[String]) -> bool {
    match (shown, said) {
        ([], []) => true,
        ([line, rest @ ..], _) if line.starts_with(ELISION) => {
            (0..=said.len()).any(|skipped| matches(rest, &said[skipped..]))
        }
        ([line, shown @ ..], [other, said @ ..]) => line == other && matches(shown, said),
        _ => false,
    }
}

/// A line without what differs from run to run: figures with a unit, moments, process ids, versions,
/// long numbers, the planner's estimates, and the width of columns.
pub fn mask(line: &str) -> String {
    let mut masked = String::new();
    let mut rest = line;
    while let Some(char) = rest.chars().next() {
        let is_within_a_word = masked.ends_with(|last: char| last.is_alphanumeric() || last == '_');
        let figure = if is_within_a_word { 0 } else { figure(&masked, rest) };
        let (taken, written) = match figure {
            0 => (char.len_utf8(), char),
            length => (length, '#'),
        };
        let is_repeated = matches!(written, ' ' | '─' | '-' | '#') && masked.ends_with(written);
        let is_list = written == '#' && masked.ends_with("# ");
        if !is_repeated && !is_list {
            masked.push(written);
        }
        rest = &rest[taken..];
    }
    masked.trim().replace("# -", "#").replace("-#", "#").to_owned()
}

/// How long the figure is that the text begins with and that differs from run to run, else 0.
fn figure(before: &str, text: &str) -> usize {
    let is_figure = |char: char| char.is_ascii_digit() || matches!(char, '.' | ',');
    let number = text.find(|char| !is_figure(char)).unwrap_or(text.len());
    let number = text[..number].trim_end_matches(['.', ',']).len();
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return 0;
    }
    let is_after = |words: &[&str]| words.iter().any(|word| before.ends_with(word));
    if text.as_bytes().get(4) == Some(&b'-') || text.as_bytes().get(2) == Some(&b':') {
        let is_moment = |char: char| char.is_ascii_digit() || "-:+TZ.".contains(char);
        return text.find(|char| !is_moment(char)).unwrap_or(text.len());
    }
    let is_at_the_head = !before.contains(|char: char| char.is_alphanumeric() || char == '#');
    if is_at_the_head && number >= 3 {
        return number;
    }
    let is_at_the_head = !before.contains(|char: char| char.is_alphanumeric() || char == '#');
    if is_at_the_head && number >= 3 {
        return number;
    }
    if number >= 12 || is_after(&["pid ", "PostgreSQL ", "cost=", "rows=", "server_version\": \""])
    {
        return text.find(|char| !is_figure(char)).unwrap_or(text.len());
    }
    if is_after(&["_ms\": ", "_bytes\": ", "_ms\":", "_bytes\":", "server_version\":\""]) {
        return number;
    }
    let after = &text[number..];
    let unit = after.strip_prefix(' ').unwrap_or(after);
    let length = unit.find(|char: char| !char.is_alphabetic()).unwrap_or(unit.len());
    const UNITS: [&str; 11] = ["ms", "s", "min", "h", "d", "B", "kB", "KiB", "MiB", "GiB", "TiB"];
    let length = if unit.starts_with('%') { 1 } else { length };
    if unit.starts_with('%') || UNITS.contains(&&unit[..length]) {
        return text.len() - unit.len() + length;
    }
    0
}

#[test]
fn what_differs_from_run_to_run_is_masked() {
    for (line, masked) in [
        (
            " done   build index  26 MiB  verified; waited 2.5 s ",
            "done build index # verified; waited #",
        ),
        (" └ 11789    shop-web", "└ # shop-web"),
        ("4 steps to do, 0 objects", "4 steps to do, 0 objects"),
        ("waits for pid 29935 (nova-web, 11s old)", "waits for pid # (nova-web, # old)"),
        ("2026-11-23 13:25:30+00  apply", "# apply"),
        ("-6168024295567106228  22.5 %  345 ms", "#"),
        (
            "Seq Scan  (cost=0.00..2102.82 rows=156 width=88)",
            "Seq Scan (cost=# rows=# width=88)",
        ),
        ("\"duration_ms\": 525,", "\"duration_ms\": #,"),
        ("idx_2 on 3 tables", "idx_2 on 3 tables"),
    ] {
        assert_eq!(mask(line), masked);
    }
}

#[test]
fn an_elision_stands_for_any_lines() {
    let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    assert!(matches(&lines("a […] d"), &lines("a b c d")));
    assert!(matches(&lines("a […]"), &lines("a")));
    assert!(!matches(&lines("a […] d"), &lines("a b c")));
}

#[test]
fn sessions_show_what_pgtend_says() {
    std::thread::scope(|scope| {
        for page in pages() {
            scope.spawn(move || {
                // Commands block their thread; what holds locks meanwhile needs another.
                let mut runtime = runtime::Builder::new_multi_thread();
                let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
                runtime.block_on(play(&page));
            });
        }
    });
}

/// A help text in sections: each begins with a heading such as `Options:`.
fn sections(arguments: &[&str]) -> Vec<String> {
    let help = Pgtend::new(arguments).run().expect(0).stdout;
    let mut sections = vec![String::new()];
    for line in help.lines().map(str::trim_end) {
        if line.ends_with(':') && !line.starts_with(' ') {
            sections.push(String::new());
        }
        *sections.last_mut().unwrap() += &format!("{line}\n");
    }
    // The last one has no blank line after it.
    sections
        .into_iter()
        .map(|section| format!("{}\n\n", section.trim_end()))
        .collect()
}

/// The commands as `pgtend --help` lists them.
fn commands() -> Vec<String> {
    let help = Pgtend::new(&["--help"]).run().expect(0).stdout;
    let list = help.split("Commands:\n").nth(1).unwrap();
    let lines = list.lines().take_while(|line| !line.is_empty());
    // What is told of a command may go on in lines that are further in.
    let lines = lines
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| !line.starts_with(' '));
    lines.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

#[test]
fn the_page_of_commands_is_that_of_the_program() {
    let mut page =
        "# Commands\n\nWhat `pgtend help` prints. `make pages` writes this page.\n".to_owned();
    let (whole, commands) = (sections(&["--help"]), commands());
    assert!(commands.len() > 10, "{commands:?}");
    for command in commands.iter().filter(|command| *command != "help") {
        let help = sections(&["help", command]);
        let is_own =
            |section: &String| !whole.contains(section) && !section.starts_with("Shared options:");
        let own = help.into_iter().filter(is_own).collect::<String>();
        page += &format!("\n## pgtend {command}\n\n```text\n{}\n```\n", own.trim_end());
    }
    page += &format!("\n## pgtend\n\n```text\n{}\n```\n", whole.concat().trim_end());
    let path = root().join("docs/cli.md");
    if is_to_be_updated() {
        fs::write(&path, &page).unwrap();
    }
    let is = fs::read_to_string(path).unwrap_or_default();
    assert!(is == page, "docs/cli.md is not what the commands say: `make pages` writes it");
}

/// What stands behind `](` in a page, without what is in code.
fn links(page: &str) -> Vec<String> {
    let mut is_code = false;
    let texts = page.lines().filter(|line| {
        is_code ^= line.starts_with("```");
        !is_code
    });
    let links = texts.flat_map(|line| line.split("](").skip(1));
    links.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect()
}

/// What a heading is called by in links.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|char| char.is_alphanumeric() || " -_".contains(*char));
    kept.map(|char| if char == ' ' { '-' } else { char }).collect()
}

fn anchors(page: &Path) -> HashSet<String> {
    let text = fs::read_to_string(page).unwrap();
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
}

#[test]
fn links_lead_somewhere() {
    let others = ["SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root().join(name));
    let mut dead = Vec::new();
    for page in pages().into_iter().chain(others) {
        for link in links(&fs::read_to_string(&page).unwrap()) {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let to = if file.is_empty() {
                page.clone()
            } else {
                page.parent().unwrap().join(file)
            };
            let is_there = to.exists() && (anchor.is_empty() || anchors(&to).contains(anchor));
            if !is_there {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert_eq!(dead, [""; 0]);
}

#[test]
fn the_book_holds_every_page() {
    let summary = fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let named = links(&summary).into_iter().collect::<HashSet<_>>();
    let rules = fs::read_dir(root().join("docs/rules")).unwrap();
    let rules = rules.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let pages = pages().into_iter().filter(|page| page.starts_with(root().join("docs")));
    let pages = pages.map(|page| page.file_name().unwrap().to_str().unwrap().to_owned());
    let wanted = pages
        .filter(|page| page != "SUMMARY.md")
        .chain(rules.map(|rule| format!("rules/{rule}")));
    let missing = wanted.filter(|page| !named.contains(page)).collect::<Vec<_>>();
    assert_eq!(missing, [""; 0], "docs/SUMMARY.md does not name them");
}

#[test]
fn the_readme_is_short() {
    let size = fs::metadata(root().join("README.md")).unwrap().len();
    assert!(size <= 12 * 1024, "README.md has {size} bytes: move things to docs/");
}
