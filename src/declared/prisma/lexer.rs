//! The words of a Prisma schema.

use std::path::Path;
use std::sync::Arc;

use crate::declared::Source;
use crate::declared::check::Problem;

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrismaTokenKind {
    /// A name or keyword.
    Word,
    Number,
    /// A string, without quotes and escapes.
    Text(String),
    /// Any other character.
    Symbol(char),
    /// The end of a line.
    Newline,
    /// The end of the file.
    End,
}

#[derive(Debug, Clone)]
pub struct PrismaToken<'t> {
    pub kind: PrismaTokenKind,
    pub text: &'t str,
    pub line: u32,
    /// The character in the line, from 1.
    pub column: u32,
}

/// The file's tokens without its comments, the last one its end.
///
/// # Errors
/// Where a string or a comment does not end.
pub fn tokens<'t>(text: &'t str, file: &'t Arc<Path>) -> Result<Vec<PrismaToken<'t>>, Problem> {
    let mut lexer = PrismaLexer { text, at: 0, line: 1, column: 1, file };
    let mut tokens = Vec::with_capacity(text.len() / 4);
    loop {
        let token = lexer.token()?;
        let is_end = token.kind == PrismaTokenKind::End;
        tokens.push(token);
        if is_end {
            return Ok(tokens);
        }
    }
}

struct PrismaLexer<'t> {
    text: &'t str,
    at: usize,
    line: u32,
    column: u32,
    file: &'t Arc<Path>,
}

impl<'t> PrismaLexer<'t> {
    fn token(&mut self) -> Result<PrismaToken<'t>, Problem> {
        self.skip_blank()?;
        let (start, line, column) = (self.at, self.line, self.column);
        let kind = match self.peek() {
            None => PrismaTokenKind::End,
            Some('\n') => {
                self.next();
                PrismaTokenKind::Newline
            }
            Some('"') => PrismaTokenKind::Text(self.string()?),
            Some('0'..='9') => self.number(),
            Some('-') if self.rest()[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                self.next();
                self.number()
            }
            Some(c) if is_word(c) => {
                self.skip_while(|c| is_word(c) || c == '-');
                PrismaTokenKind::Word
            }
            Some(c) => {
                self.next();
                PrismaTokenKind::Symbol(c)
            }
        };
        Ok(PrismaToken { kind, text: &self.text[start..self.at], line, column })
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        if next == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(next)
    }

    fn skip_while(&mut self, is_wanted: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&is_wanted) {
            self.next();
        }
    }

    /// Goes past blanks and comments.
    fn skip_blank(&mut self) -> Result<(), Problem> {
        loop {
            self.skip_while(|c| c.is_whitespace() && c != '\n');
            if self.rest().starts_with("//") {
                self.skip_while(|c| c != '\n');
            } else if self.rest().starts_with("/*") {
                let start = self.source();
                let Some(length) = self.rest().find("*/") else {
                    return Err(Problem::new(&start, "the comment that begins here does not end"));
                };
                let end = self.at + length + 2;
                while self.at < end {
                    self.next();
                }
            } else {
                return Ok(());
            }
        }
    }

    fn number(&mut self) -> PrismaTokenKind {
        self.skip_while(|c| c.is_ascii_digit());
        if self.rest().starts_with('.')
            && self.rest()[1..].starts_with(|c: char| c.is_ascii_digit())
        {
            self.next();
            self.skip_while(|c| c.is_ascii_digit());
        }
        PrismaTokenKind::Number
    }

    /// A string with escapes as JSON has them.
    fn string(&mut self) -> Result<String, Problem> {
        let start = self.source();
        let unended =
            || Problem::new(&start, "the string that begins here does not end on its line");
        let mut text = String::new();
        self.next();
        loop {
            match self.next().filter(|c| *c != '\n').ok_or_else(unended)? {
                '"' => return Ok(text),
                '\\' => text.push(self.escaped().ok_or_else(|| {
                    Problem::new(&self.source(), "no such escape: a string has those of JSON")
                })?),
                other => text.push(other),
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        Some(match self.next()? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'u' => {
                let first = self.hexadecimal()?;
                // A character beyond the first plane is written as two.
                if (0xd800..0xdc00).contains(&first) && self.rest().starts_with("\\u") {
                    self.next();
                    self.next();
                    let second =
                        self.hexadecimal()?.checked_sub(0xdc00).filter(|it| *it < 0x400)?;
                    return char::from_u32(0x10000 + ((first - 0xd800) << 10) + second);
                }
                char::from_u32(first).filter(|c| *c != '\0')?
            }
            other @ ('"' | '\\' | '/') => other,
            _ => return None,
        })
    }

    fn hexadecimal(&mut self) -> Option<u32> {
        let digits = self.rest().get(..4)?;
        let is_number = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = u32::from_str_radix(digits, 16).ok().filter(|_| is_number)?;
        (0..4).for_each(|_| _ = self.next());
        Some(number)
    }

    fn source(&self) -> Source {
        Source {
            file: Arc::clone(self.file),
            line: self.line,
            column: self.column,
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
