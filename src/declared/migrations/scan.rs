//! Finding statements as psql does, without a parser: the rows below COPY … FROM stdin and psql's own
//! commands are no SQL, and where they begin is told only by the statement before them.

use std::ops::Range;

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextPart {
    /// A statement with the semicolon that ends it, and whether it reads rows from its client.
    Statement(Range<usize>, Reads),
    /// The rows that the statement before it reads, with the line that ends them.
    Rows {
        /// All of it.
        lines: Range<usize>,
        /// The rows alone.
        rows: Range<usize>,
    },
    /// A backslash and the rest of its line, outside of what is quoted.
    Command(Range<usize>),
}

/// Whether a statement reads rows that its client has to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// `COPY … FROM stdin`.
    Rows,
    /// Anything else.
    Nothing,
}

/// The parts in their order. What ends with the text without a semicolon is a statement, too.
pub fn parts(text: &str) -> impl Iterator<Item = TextPart> + '_ {
    let mut at = 0;
    let mut reads = None;
    std::iter::from_fn(move || {
        if let Some(from) = reads.take() {
            let (part, end) = rows(text, from);
            at = end;
            return Some(part);
        }
        let (part, end) = Scanner { text, bytes: text.as_bytes(), at }.next()?;
        at = end;
        if let TextPart::Statement(_, Reads::Rows) = part {
            reads = Some(end);
        }
        Some(part)
    })
}

/// psql takes the rest of the line that ends the statement as SQL, and the rows from the next one on.
fn rows(text: &str, from: usize) -> (TextPart, usize) {
    let begin = text[from..].find('\n').map_or(text.len(), |end| from + end + 1);
    let mut at = begin;
    for line in text[begin..].split_inclusive('\n') {
        let end = at + line.len();
        if line.trim_end_matches(['\n', '\r']) == "\\." {
            let lines = begin..at + line.trim_end_matches('\n').len();
            return (TextPart::Rows { lines, rows: begin..at }, end);
        }
        at = end;
    }
    (TextPart::Rows { lines: begin..text.len(), rows: begin..text.len() }, text.len())
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

/// What a statement's words tell of it.
#[derive(Default)]
struct ScanWords {
    number: usize,
    is_copy: bool,
    is_create: bool,
    /// CREATE FUNCTION or PROCEDURE: its body may be BEGIN ATOMIC … END.
    is_routine: bool,
    is_from: bool,
    reads: bool,
    open_bodies: usize,
}

impl ScanWords {
    fn see(&mut self, word: &str) {
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
        match self.number {
            0 => (self.is_copy, self.is_create) = (is("COPY"), is("CREATE")),
            1..=3 => self.is_routine |= self.is_create && (is("FUNCTION") || is("PROCEDURE")),
            _ => {}
        }
        self.number += 1;
        self.reads |= self.is_copy && self.is_from && (is("STDIN") || is("STDOUT"));
        self.is_from = is("FROM");
        // As psql counts: inside of a body, CASE has an END of its own.
        if self.is_routine && (is("BEGIN") || self.open_bodies > 0 && is("CASE")) {
            self.open_bodies += 1;
        } else if self.open_bodies > 0 && is("END") {
            self.open_bodies -= 1;
        }
    }
}

impl<'a> Scanner<'a> {
    /// The next part and where it ends.
    fn next(mut self) -> Option<(TextPart, usize)> {
        let without_rows = |from, to| (TextPart::Statement(from..to, Reads::Nothing), to);
        let mut words = ScanWords::default();
        let (mut begin, mut parentheses) = (None, 0usize);
        while let Some(byte) = self.bytes.get(self.at).copied() {
            let start = self.at;
            match byte {
                b'-' if self.follows(b"--") => {
                    self.pass_line();
                    continue;
                }
                b'/' if self.follows(b"/*") => {
                    self.comment();
                    continue;
                }
                _ if byte.is_ascii_whitespace() => {
                    self.at += 1;
                    continue;
                }
                b'\\' => {
                    self.pass_line();
                    // A statement before it goes on, or ends with it: its range begins where it began.
                    return Some(match begin {
                        Some(from) => without_rows(from, start),
                        None => (TextPart::Command(start..self.at), self.at),
                    });
                }
                b';' => {
                    self.at += 1;
                    if parentheses > 0 || words.open_bodies > 0 {
                        continue;
                    }
                    let range = begin.unwrap_or(start)..self.at;
                    let reads = if words.reads { Reads::Rows } else { Reads::Nothing };
                    return Some((TextPart::Statement(range, reads), self.at));
                }
                b'\'' => self.quoted(b'\'', false),
                b'"' => self.quoted(b'"', false),
                b'$' if self.dollar_quoted() => {}
                b'(' | b'[' => {
                    parentheses += 1;
                    self.at += 1;
                }
                b')' | b']' => {
                    parentheses = parentheses.saturating_sub(1);
                    self.at += 1;
                }
                _ if is_word(byte) => {
                    let word = self.word();
                    if matches!(word, "E" | "e") && self.bytes.get(self.at) == Some(&b'\'') {
                        self.quoted(b'\'', true);
                    } else if parentheses == 0 {
                        words.see(word);
                    }
                }
                _ => self.at += 1,
            }
            begin = begin.or(Some(start));
        }
        begin.map(|from| without_rows(from, self.text.len()))
    }

    fn follows(&self, what: &[u8]) -> bool {
        self.bytes[self.at..].starts_with(what)
    }

    fn pass_line(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    }

    /// Comments nest (PostgreSQL documentation, 4.1.5).
    fn comment(&mut self) {
        let mut depth = 0;
        while self.at < self.bytes.len() {
            if self.follows(b"/*") {
                depth += 1;
                self.at += 2;
            } else if self.follows(b"*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    return;
                }
            } else {
                self.at += 1;
            }
        }
    }

    fn quoted(&mut self, quote: u8, escapes: bool) {
        self.at += 1;
        while let Some(byte) = self.bytes.get(self.at) {
            self.at += 1;
            if escapes && *byte == b'\\' {
                self.at += 1;
            } else if *byte == quote {
                if self.bytes.get(self.at) != Some(&quote) {
                    return;
                }
                self.at += 1;
            }
        }
        self.at = self.bytes.len();
    }

    /// Skips `$tag$ … $tag$`, if that is what stands there.
    fn dollar_quoted(&mut self) -> bool {
        let rest = &self.text[self.at + 1..];
        let Some(length) = rest.find('$') else {
            return false;
        };
        let tag = &rest[..length];
        let is_tag = tag.bytes().all(is_word) && !tag.starts_with(|c: char| c.is_ascii_digit());
        if !is_tag || tag.contains('$') {
            return false;
        }
        let mark = &self.text[self.at..self.at + length + 2];
        let from = self.at + mark.len();
        let end = self.text[from..].find(mark).map(|end| from + end + mark.len());
        self.at = end.unwrap_or(self.text.len());
        true
    }

    fn word(&mut self) -> &'a str {
        let start = self.at;
        // A dollar may stand within a name.
        while self.bytes.get(self.at).is_some_and(|byte| is_word(*byte) || *byte == b'$') {
            self.at += 1;
        }
        &self.text[start..self.at]
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let parts = parts(text).map(|part| match part {
            TextPart::Statement(range, _) | TextPart::Command(range) => range,
            TextPart::Rows { rows, .. } => rows,
        });
        parts.map(|range| &text[range]).collect()
    }

    #[test]
    fn statements_end_where_psql_ends_them() {
        let text = "SELECT ';' /* ; /* ; */ ; */, E'\\';', \";\" -- ;\n, $a$;$b$;$a$; SELECT (1;2);\n\
                    CREATE FUNCTION f() BEGIN ATOMIC SELECT CASE WHEN 1 THEN 2 END; SELECT 3; END;x$1;";
        let wanted = [
            "SELECT ';' /* ; /* ; */ ; */, E'\\';', \";\" -- ;\n, $a$;$b$;$a$;",
            "SELECT (1;2);",
            "CREATE FUNCTION f() BEGIN ATOMIC SELECT CASE WHEN 1 THEN 2 END; SELECT 3; END;",
            "x$1;",
        ];
        assert_eq!(found(text), wanted);
        assert_eq!(found(" -- only\n/* words"), [""; 0]);
        assert_eq!(found("SELECT 1"), ["SELECT 1"]);
    }

    #[test]
    fn rows_and_commands_are_told_from_statements() {
        let text = "COPY a (b) FROM stdin;\n1\tit's; --\n\\N\n\\.\nSELECT 1;\n\\echo 'x\nSELECT 2;";
        let wanted = [
            "COPY a (b) FROM stdin;",
            "1\tit's; --\n\\N\n",
            "SELECT 1;",
            "\\echo 'x",
            "SELECT 2;",
        ];
        assert_eq!(found(text), wanted);
        // None of these reads from its client.
        for text in [
            "COPY a FROM 'stdin';",
            "COPY (SELECT 1 FROM stdin) TO STDOUT;",
            "SELECT 1 FROM stdin;",
        ] {
            assert_eq!(found(text), [text]);
        }
        assert_eq!(
            found("COPY a FROM STDIN;\r\n1\r\n\\.\r\nx;"),
            ["COPY a FROM STDIN;", "1\r\n", "x;"]
        );
    }
}
