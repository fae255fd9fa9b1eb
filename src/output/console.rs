//! The two streams: the only place that writes to them.

use std::ffi::OsStr;
use std::io::{IsTerminal, Write, stderr, stdin, stdout};
use std::os::fd::AsFd;

use indicatif::MultiProgress;
use jiff::ZonedDateTime;
use rustix::termios::{Winsize, tcgetwinsize};

use super::failure::product_of_failure;
use super::paint;
use super::report::{Piece, Report, Style, Text};
use super::report_file::ReportFile;
use super::screen;
use super::wrap::prose;
use super::{Color, Format, Origin, OutputOptions, Verbosity};
use crate::escape_control;
use crate::failure::{Failure, Result};
use crate::format;
use crate::pg::conninfo::Conninfo;
use crate::pg::session::Echo;

/// The two streams, and the files that a report is written to besides. It is shared by all reports
/// of an invocation.
#[derive(Debug, Clone)]
pub struct Console {
    options: OutputOptions,
    pub(crate) bars: MultiProgress,
    files: Vec<ReportFile>,
    /// What warnings begin with, where they are about one of several targets.
    target: Option<String>,
}

impl Console {
    /// Writes as the user wants it.
    pub fn new(options: OutputOptions, files: &[ReportFile]) -> Self {
        Console {
            options,
            bars: screen::bars(),
            files: files.to_vec(),
            target: None,
        }
    }

    /// For what is told of one of several targets while they are worked on: what must not get lost.
    #[must_use]
    pub fn of_target(&self, name: &str) -> Self {
        let verbosity = Verbosity::Quiet;
        let options = OutputOptions { verbosity, no_progress: true, ..self.options };
        Console { options, target: Some(name.to_owned()), ..self.clone() }
    }

    /// How the user wants to be spoken to.
    pub fn options(&self) -> OutputOptions {
        self.options
    }

    /// Writes a report in the format that was asked for, and the files. Returns whether anybody reads
    /// it.
    ///
    /// # Errors
    /// `Io` where a file cannot be written; then nothing is shown.
    pub fn show(&self, report: &dyn Report, origin: &Origin) -> Result<bool> {
        for file in &self.files {
            let style = Style {
                format: file.format,
                verbosity: Verbosity::Normal,
                width: None,
            };
            let product = match file.format {
                Format::Json => report.json(origin.head()),
                _ => report.text(&style).into_product(),
            };
            file.write(&product)?;
        }
        Ok(match self.options.format {
            Format::Json => write(&report.json(origin.head())).is_ok(),
            _ => self.tell(report.text(&self.style())),
        })
    }

    /// On a terminal, shows what is about to be done.
    pub fn preview(&self, report: &dyn Report) {
        if !self.draws_bars() {
            return;
        }
        let style = Style { width: columns(stderr()), ..self.style() };
        for piece in report.text(&style).pieces {
            match piece {
                Piece::Product(text) => self.line(text.trim_end()),
                Piece::Narration(text) => self.narrate(&format!("{text}\n")),
                Piece::Warning(text) => self.warn(&text),
            }
        }
    }

    /// Whether somebody sits at a terminal.
    pub fn can_ask(&self) -> bool {
        stdin().is_terminal() && stderr().is_terminal()
    }

    /// Asks, where somebody sits at a terminal; elsewhere the call itself is the answer.
    pub fn confirms(&self, question: &str) -> bool {
        if !self.can_ask() {
            return true;
        }
        drop(write!(stderr(), "{} [y/N] ", escape_control::lines(question)));
        let mut answer = String::new();
        let is_heard = stdin().read_line(&mut answer).is_ok();
        is_heard && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
    }

    /// Writes a report that is shown again and again: over what the terminal shows. Returns whether
    /// anybody reads it.
    pub fn show_again(&self, report: &dyn Report, origin: &Origin) -> bool {
        if self.options.format == Format::Json {
            return write(&report.json(origin.head())).is_ok();
        }
        let mut head = ZonedDateTime::now().strftime("%H:%M:%S").to_string();
        let (mut products, mut warnings) = (String::new(), Vec::new());
        for piece in report.text(&self.style()).pieces {
            match piece {
                Piece::Narration(text) => head.push_str(&format!("  {text}")),
                Piece::Product(text) => products.push_str(&text),
                Piece::Warning(text) => warnings.push(text),
            }
        }
        let is_read = redraw(&format!("{head}\n{products}"));
        warnings.iter().for_each(|text| self.warn(text));
        is_read
    }

    fn tell(&self, text: Text) -> bool {
        let mut is_read = true;
        for piece in text.pieces {
            match piece {
                Piece::Product(text) => is_read &= self.write_product(&text).is_ok(),
                Piece::Narration(text) => self.narrate(&text),
                Piece::Warning(text) => self.warn(&text),
            }
        }
        is_read
    }

    /// What people read has colours.
    fn write_product(&self, text: &str) -> std::io::Result<()> {
        match self.options.format == Format::Table && self.is_coloured(stdout().is_terminal()) {
            true => write_raw(&paint::painted(&escape_control::lines(text))),
            false => write(text),
        }
    }

    fn is_coloured(&self, is_terminal: bool) -> bool {
        match self.options.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && !is_colour_unwanted(),
        }
    }

    fn style(&self) -> Style {
        let width = terminal().map(|size| size.ws_col);
        let OutputOptions { format, verbosity, .. } = self.options;
        Style { format, verbosity, width }
    }

    /// Says something by the way, unless quiet was asked for.
    pub fn narrate(&self, text: &str) {
        if self.options.verbosity > Verbosity::Quiet && !self.options.events {
            self.line(&prose(&continued(text), columns(stderr())));
        }
    }

    /// Says what must not get lost.
    pub fn warn(&self, text: &str) {
        let of_target = self.target.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
        self.labelled("warning:", "33", &format!("{of_target}{text}"));
    }

    /// Says, once for each origin, what was passed over in the connection's parameters.
    pub fn warn_of_connection(&self, conninfo: &Conninfo, origin: &Origin) {
        for warning in origin.passed_over(conninfo) {
            self.warn(&warning.message);
        }
    }

    /// Hears every statement and writes it to standard error.
    pub fn echo(&self) -> Echo {
        let console = self.clone();
        Echo::new(move |statement| console.line(&format!("{};", statement.trim_end())))
    }

    /// Says why the command ends here, in the format that was asked for. Returns the exit code.
    pub fn failure(&self, failure: &Failure, origin: &Origin) -> u8 {
        print(&product_of_failure(self.options.format, failure, origin));
        self.labelled("error:", "31", &failure.to_string());
        if let Some(hint) = &failure.hint {
            self.labelled("hint:", "36", hint);
        }
        for file in &self.files {
            let written = file.write(&product_of_failure(file.format, failure, origin));
            // That it cannot be written may be the very failure.
            if let Err(other) = written
                && other.to_string() != failure.to_string()
            {
                self.warn(&other.to_string());
            }
        }
        failure.kind.exit_code()
    }

    /// Takes the bars away: who leaves at once leaves none of them behind.
    pub fn leave(&self) {
        drop(self.bars.clear());
    }

    /// Whether the product goes to a terminal.
    pub fn shows_on_terminal(&self) -> bool {
        stdout().is_terminal()
    }

    /// Whether progress bars make sense.
    pub(crate) fn draws_bars(&self) -> bool {
        !self.options.no_progress
            && self.options.verbosity > Verbosity::Quiet
            && self.options.format == Format::Table
            && stderr().is_terminal()
    }

    /// A line on standard error, above the bars if there are any. That nobody hears it
    /// (`2>&1 | head`) is no reason to stop half-way, as the panic of `eprintln!` would.
    pub(crate) fn line(&self, text: &str) {
        self.raw_line(&escape_control::lines(text));
    }

    /// A line that begins with a coloured word; only that is ours and may hold an escape sequence.
    fn labelled(&self, label: &str, color: &str, text: &str) {
        let whole = prose(&format!("{label} {}", continued(text)), columns(stderr()));
        let rest = whole.strip_prefix(label).unwrap_or_default();
        self.raw_line(&format!("{}{}", self.paint(label, color), escape_control::lines(rest)));
    }

    fn raw_line(&self, text: &str) {
        self.bars.suspend(|| drop(writeln!(stderr(), "{text}")));
    }

    fn paint(&self, text: &str, code: &str) -> String {
        if self.is_coloured(stderr().is_terminal()) {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// By the user's environment: NO_COLOR, unless it is empty (no-color.org), or a terminal without colours.
fn is_colour_unwanted() -> bool {
    let is = |name: &str, unwanted: fn(&OsStr) -> bool| {
        std::env::var_os(name).is_some_and(|value| unwanted(&value))
    };
    is("NO_COLOR", |value| !value.is_empty()) || is("TERM", |value| value == "dumb")
}

/// Lines after the first are indented: a name or a message of the server's with a line end in it must
/// not look like a line of ours.
fn continued(text: &str) -> String {
    text.replace('\n', "\n  ")
}

/// Answers a shell that asks for completions; of that it has gone away nobody has to be told.
pub fn answer_shell(lines: &str) {
    print(lines);
}

/// Writes text that is the whole product. A reader that has gone away is no failure.
fn print(text: &str) {
    drop(write(text));
}

/// The size of the terminal that the product is written to; a terminal may not know it.
fn terminal() -> Option<Winsize> {
    tcgetwinsize(stdout()).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0)
}

/// How many characters a line of this stream has room for, where it is a terminal that knows it.
fn columns(stream: impl AsFd) -> Option<u16> {
    tcgetwinsize(stream).ok().map(|size| size.ws_col).filter(|columns| *columns > 0)
}

/// Writes over what the terminal shows; into a pipe or a file it goes as it is. Returns whether
/// anybody reads it.
fn redraw(text: &str) -> bool {
    let Some(size) = terminal() else {
        return write(text).is_ok();
    };
    let page = page(text, size.ws_row.into());
    write_raw(&format!("{CLEAR}{}", escape_control::lines(&page))).is_ok()
}

/// What is written may hold names, file names and messages of anybody's making.
fn write(text: &str) -> std::io::Result<()> {
    write_raw(&escape_control::lines(text))
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
        page.push_str(&format!("… {}\n", format::count(left, "line more", "lines more")));
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
