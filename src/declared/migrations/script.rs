//! What is sent in one go, and how.

use std::ops::Range;
use std::path::PathBuf;

use super::lines::excerpt;

/// SQL that is run in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The file as the user named it or as it was found below a folder that the user named.
    pub file: PathBuf,
    /// The line of the file at which `text` begins, from 1: sections begin below their marker.
    pub first_line: u32,
    /// The text, without a byte order mark; may be empty or hold comments alone. Where something of
    /// the file is not sent, blanks stand for it.
    pub text: String,
    /// How the tool sends it.
    pub wrapping: Wrapping,
    /// How the tool cuts it, where it does so without knowing SQL. Else a statement is a message, or
    /// the whole is one, as `wrapping` says.
    pub pieces: Option<Pieces>,
    /// The rows of its COPY … FROM stdin statements, where the tool sends such rows.
    pub rows: Vec<Rows>,
}

/// How a tool sends a script to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wrapping {
    /// Between BEGIN and COMMIT.
    Transaction,
    /// Each statement by itself, outside any transaction.
    None,
    /// The whole text as one simple-query message: the server wraps several statements in an
    /// implicit transaction, a single statement stands outside any (PostgreSQL documentation,
    /// 55.2.2.1). This is also what sqlx, diesel and dbmate do when their transaction is
    /// switched off, so that two concurrent index builds in one such file fail.
    OneMessage,
    /// Each statement by itself, all before the first Sync: an implicit transaction, but for what
    /// commits at once and comes first (PostgreSQL documentation, 55.2.3 and 55.2.4).
    Pipeline,
}

/// The messages that a tool makes of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pieces {
    /// The bytes of each, in their order.
    pub ranges: Vec<Range<usize>>,
    /// How to keep the tool from cutting where it should not.
    pub hint: &'static str,
}

/// What a COPY statement reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    /// The byte at which the statement begins.
    pub statement: usize,
    /// The rows' lines.
    pub text: String,
}

impl Script {
    /// A script that its tool does not cut.
    pub fn new(
        file: impl Into<PathBuf>,
        first_line: u32,
        text: impl Into<String>,
        wrapping: Wrapping,
    ) -> Self {
        let (file, text) = (file.into(), text.into());
        Script {
            file,
            first_line,
            text,
            wrapping,
            pieces: None,
            rows: Vec::new(),
        }
    }

    /// These parts of a file's text, which stand in their order, the first one at this line; blanks
    /// stand for what is between.
    pub fn of_parts(
        file: impl Into<PathBuf>,
        text: &str,
        first_line: u32,
        parts: &[Range<usize>],
        wrapping: Wrapping,
    ) -> Self {
        let begin = parts.first().map_or(text.len(), |part| part.start);
        let end = parts.last().map_or(text.len(), |part| part.end);
        let whole = Script::new(file, first_line, &text[begin..end], wrapping);
        let gaps = parts.windows(2).map(|pair| pair[0].end - begin..pair[1].start - begin);
        if parts.len() < 2 { whole } else { whole.without(gaps) }
    }

    /// The script with blanks where these bytes are, which stand in their order: as many characters
    /// on as many lines, so that all else stands where it stood.
    #[must_use]
    pub fn without(&self, ranges: impl IntoIterator<Item = Range<usize>>) -> Script {
        let mut text = String::with_capacity(self.text.len());
        let mut done = 0;
        // Where a blank has fewer bytes than what it stands for, what follows moves.
        let mut moved: Vec<(usize, usize)> = Vec::new();
        for range in ranges {
            text.push_str(&self.text[done..range.start]);
            done = range.end;
            push_blanks(&mut text, &self.text[range]);
            moved.push((done, done - text.len()));
        }
        text.push_str(&self.text[done..]);
        let at = |byte: usize| {
            let after = moved.partition_point(|(from, _)| *from <= byte);
            byte - after.checked_sub(1).map_or(0, |last| moved[last].1)
        };
        let mut changed = Script { text, ..self.clone() };
        for range in changed.pieces.iter_mut().flat_map(|pieces| &mut pieces.ranges) {
            *range = at(range.start)..at(range.end);
        }
        changed.rows.iter_mut().for_each(|rows| rows.statement = at(rows.statement));
        changed
    }

    /// Its pieces, each as a script that stands where it stands; the script itself where the tool
    /// does not cut.
    pub fn cut(&self) -> Vec<Script> {
        let Some(pieces) = &self.pieces else {
            return vec![self.clone()];
        };
        let (mut line, mut counted) = (self.first_line, 0);
        let mut cut = Vec::with_capacity(pieces.ranges.len());
        for range in &pieces.ranges {
            if range.start < counted {
                (line, counted) = (self.first_line, 0);
            }
            let before = &self.text[counted..range.start];
            let lines = before.bytes().filter(|byte| *byte == b'\n').count();
            line = line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
            counted = range.start;
            // So that columns are those of the file; those of a very long line are the piece's own.
            let shown = excerpt(&self.text, range.start).start;
            let is_whole = shown == 0 || self.text.as_bytes()[shown - 1] == b'\n';
            let mut text = String::new();
            if is_whole {
                push_blanks(&mut text, &self.text[shown..range.start]);
            }
            text.push_str(&self.text[range.clone()]);
            cut.push(Script::new(self.file.clone(), line, text, Wrapping::OneMessage));
        }
        cut
    }
}

fn push_blanks(text: &mut String, replaced: &str) {
    text.extend(replaced.chars().map(|char| if char == '\n' { '\n' } else { ' ' }));
}
