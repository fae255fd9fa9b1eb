//! What a person or a program reads: the product on standard output, narration on standard error.
//! Printing happens here and in `main` alone.

pub mod activity;
pub mod apply;
pub mod demo;
pub mod document;
pub mod dry_run;
mod events;
pub mod harmless;
pub mod history;
pub mod inflight;
pub mod init;
pub mod metrics;
pub mod progress;
pub mod refresh;
pub mod report_file;
pub mod snapshot;
pub mod statements;
pub mod table;
pub mod upkeep;
pub mod verify;

use std::io::{IsTerminal, Write, stderr, stdout};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use indicatif::MultiProgress;
use serde::Serialize;
use terminal_size::{Height, Width, terminal_size_of};

use crate::failure::Failure;
use crate::figures;
use crate::pg::conninfo::Conninfo;
use crate::pg::database::Server;
use crate::pg::session::Echo;
use crate::plan::Warning;
use document::Document;
use report_file::ReportFile;

/// How the product is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Table,
    /// For programs: one JSON document on standard output
    Json,
    /// Comma-separated values with a header (slow-queries)
    Csv,
    /// A Markdown table (slow-queries)
    Markdown,
    /// Annotations that GitHub shows beside the code (verify)
    Github,
    /// SARIF 2.1.0, for code scanning (verify)
    Sarif,
    /// JUnit XML, for the test reports of GitLab, Jenkins and others (verify)
    Junit,
    /// A code quality report for GitLab (verify)
    Gitlab,
}

impl Format {
    /// The name that the user says.
    pub fn name(self) -> &'static str {
        match self {
            Format::Table => "table",
            Format::Json => "json",
            Format::Csv => "csv",
            Format::Markdown => "markdown",
            Format::Github => "github",
            Format::Sarif => "sarif",
            Format::Junit => "junit",
            Format::Gitlab => "gitlab",
        }
    }
}

/// How much is said besides the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Volume {
    /// Nothing when all is well.
    Quiet,
    /// What a person at a terminal wants to know.
    #[default]
    Normal,
    /// Also what is as it should be, and the statements.
    Verbose,
}

/// Whether output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Also in a pipe or a file
    Always,
    /// Not at all
    Never,
}

/// How the user wants to be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Manner {
    /// The product's format.
    pub format: Format,
    /// How much is said.
    pub volume: Volume,
    /// Colours.
    pub color: Color,
    /// No progress bars.
    pub no_progress: bool,
    /// Events as JSON lines on standard error, instead of narration.
    pub events: bool,
}

/// The two streams.
#[derive(Debug, Clone)]
pub struct Console {
    manner: Manner,
    command: &'static str,
    started: Instant,
    server: Arc<Mutex<Option<(String, String)>>>,
    /// What the connection's parameters give rise to, for JSON documents.
    warned: Arc<Mutex<Vec<Warning>>>,
    bars: MultiProgress,
    reports: Vec<ReportFile>,
}

impl Console {
    /// For one run of a command.
    pub fn new(manner: Manner, command: &'static str) -> Self {
        Console {
            manner,
            command,
            started: Instant::now(),
            server: Arc::default(),
            warned: Arc::default(),
            bars: MultiProgress::new(),
            reports: Vec::new(),
        }
    }

    /// The same, which also writes these files.
    #[must_use]
    pub fn with_reports(self, reports: &[ReportFile]) -> Self {
        Console { reports: reports.to_vec(), ..self }
    }

    /// The files that are to be written besides.
    pub fn reports(&self) -> &[ReportFile] {
        &self.reports
    }

    /// How the user wants to be spoken to.
    pub fn manner(&self) -> Manner {
        self.manner
    }

    /// Remembers where the command works, for JSON documents.
    pub fn set_server(&self, server: &Server) {
        let place = (server.database.clone(), server.version.to_string());
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
    }

    /// An empty document of this run.
    pub fn document(&self) -> Document {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (database, server_version) = server.unzip();
        let warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Document::new(self.command, database, server_version, self.started.elapsed())
            .with_warnings(&warned)
    }

    /// Writes the product. A reader that has gone away (`| head`) is no failure.
    pub fn product(&self, text: &str) {
        print(text);
    }

    /// Writes the product over what the terminal shows, for a product that is written again and
    /// again; into a pipe or a file it goes as it is. Returns whether anybody reads it.
    pub fn redraw(&self, text: &str) -> bool {
        let size = terminal_size_of(stdout());
        let Some((_, Height(lines))) = size else { return write(text).is_ok() };
        let page = page(text, lines.into());
        write_raw(&format!("{CLEAR}{}", harmless::lines(&page))).is_ok()
    }

    /// How many characters a line of the product has room for, where it goes to a terminal.
    pub fn width(&self) -> Option<u16> {
        terminal_size_of(stdout()).map(|(Width(width), _)| width)
    }

    /// Writes the product. Returns whether anybody reads it.
    pub fn offer(&self, text: &str) -> bool {
        write(text).is_ok()
    }

    /// Writes a document as JSON, one line.
    pub fn json(&self, document: &Document) {
        self.offer_json(document);
    }

    /// Writes one document of several. Returns whether anybody reads it.
    pub fn offer_json(&self, document: &Document) -> bool {
        write(&json_line(document)).is_ok()
    }

    /// Says something by the way, unless quiet was asked for.
    pub fn narrate(&self, text: &str) {
        if self.manner.volume > Volume::Quiet && !self.manner.events {
            self.line(&continued(text));
        }
    }

    /// Says what must not get lost.
    pub fn warn(&self, text: &str) {
        self.labelled("warning:", "33", text);
    }

    /// Says, once in a run, what was passed over in the connection's parameters.
    pub fn warn_of_connection(&self, conninfo: &Conninfo) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        for message in &conninfo.warnings {
            let object = conninfo.display();
            let warning =
                Warning { rule: "connection_parameter", object, message: message.clone() };
            if !warned.contains(&warning) {
                self.warn(message);
                warned.push(warning);
            }
        }
    }

    /// Says what a plan or a look should not let get lost.
    fn warnings(&self, warnings: &[Warning]) {
        for warning in warnings {
            self.warn(&format!("{}: {} [{}]", warning.object, warning.message, warning.rule));
        }
    }

    /// Hears every statement and writes it to standard error.
    pub fn echo(&self) -> Echo {
        let console = self.clone();
        Echo::new(move |statement| console.line(&format!("{};", statement.trim_end())))
    }

    /// Says why the command ends here, in the format that was asked for.
    pub fn failure(&self, failure: &Failure) {
        self.product(&verify::failure(self, self.manner.format, failure));
        self.labelled("error:", "31", &failure.to_string());
        if let Some(hint) = &failure.hint {
            self.labelled("hint:", "36", hint);
        }
        self.report_failure(failure);
    }

    fn report_failure(&self, failure: &Failure) {
        for report in &self.reports {
            let written = report.write(&verify::failure(self, report.format, failure));
            // That it cannot be written may be the very failure.
            if let Err(other) = written
                && other.to_string() != failure.to_string()
            {
                self.warn(&other.to_string());
            }
        }
    }

    /// Whether progress bars make sense.
    fn draws_bars(&self) -> bool {
        !self.manner.no_progress
            && self.manner.volume > Volume::Quiet
            && self.manner.format == Format::Table
            && stderr().is_terminal()
    }

    /// A line on standard error, above the bars if there are any. That nobody hears it
    /// (`2>&1 | head`) is no reason to stop half-way, as the panic of `eprintln!` would.
    fn line(&self, text: &str) {
        self.raw_line(&harmless::lines(text));
    }

    /// A line that begins with a coloured word; only that is ours and may hold an escape sequence.
    fn labelled(&self, label: &str, color: &str, text: &str) {
        self.raw_line(&format!(
            "{} {}",
            self.paint(label, color),
            harmless::lines(&continued(text))
        ));
    }

    fn raw_line(&self, text: &str) {
        self.bars.suspend(|| drop(writeln!(stderr(), "{text}")));
    }

    fn paint(&self, text: &str, code: &str) -> String {
        let colored = match self.manner.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        };
        if colored { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Lines after the first are indented: a name or a message of the server's with a line end in it must
/// not look like a line of ours.
fn continued(text: &str) -> String {
    text.replace('\n', "\n  ")
}

/// A value as JSON, in one line. What is ours has string keys only, so it can always be written.
fn json_line(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).unwrap_or_default();
    format!("{}\n", harmless::json(&text))
}

/// Writes text that is the whole product of a command without a server: completions, man pages.
/// A reader that has gone away is no failure.
pub fn print(text: &str) {
    drop(write(text));
}

/// What is written may hold names, file names and messages of anybody's making.
fn write(text: &str) -> std::io::Result<()> {
    write_raw(&harmless::lines(text))
}

fn write_raw(text: &str) -> std::io::Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}

/// So much of the text as a terminal of so many lines shows, from the beginning; what comes first is
/// what matters.
fn page(text: &str, height: usize) -> String {
    // The cursor stands in a line of its own, and warnings may follow.
    let room = height.saturating_sub(3).max(1);
    let left = text.lines().count().saturating_sub(room);
    let mut page = text.split_inclusive('\n').take(room).collect::<String>();
    if left > 0 {
        page.push_str(&format!("… {}\n", figures::count(left, "line more", "lines more")));
    }
    page
}

/// To the upper left corner, and away with all that is below.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_no_longer_than_the_terminal() {
        assert_eq!(page("a\nb\n", 24), "a\nb\n");
        assert_eq!(page("a\nb\nc\n", 5), "a\nb\n… 1 line more\n");
        assert_eq!(page("a\nb\nc\n", 0), "a\n… 2 lines more\n");
        assert_eq!(page("", 5), "");
    }
}
