//! The tokens of SQL text as psql and the server tell them apart (psqlscan.l, scan.l), with
//! standard_conforming_strings on. It keeps no tree: a text of any size costs no memory.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A keyword or a name without quotes.
    Word,
    /// A name in double quotes, also the U& form.
    QuotedName,
    /// A string constant of any form.
    Text,
    /// A number; what follows its digits is a token of its own.
    Number,
    /// `$1`.
    Parameter,
    /// `:name`, `:'name'`, `:"name"` and `:{?name}`, which psql may replace.
    Variable,
    /// `(` or `[`.
    Open(u8),
    /// `)` or `]`.
    Close(u8),
    /// `,`.
    Comma,
    /// `;`.
    Semicolon,
    /// A backslash outside of quotes: a command for psql follows.
    Backslash,
    /// One character of an operator, or any other.
    Other,
}

/// A token and its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    pub kind: TokenKind,
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
}

impl Token {
    pub fn text<'a>(&self, of: &'a str) -> &'a str {
        &of[self.start..self.end]
    }

    /// Whether it is this keyword, which is in small letters.
    pub fn is(&self, of: &str, keyword: &str) -> bool {
        self.kind == TokenKind::Word && self.text(of).eq_ignore_ascii_case(keyword)
    }
}

/// Something that the text begins and does not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unterminated {
    pub what: &'static str,
    pub start: usize,
}

type Lexed<T> = Result<T, Unterminated>;

/// Goes through a text once.
#[derive(Debug, Clone)]
pub struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    /// At the text's beginning.
    pub fn new(text: &'a str) -> Self {
        Lexer { text, bytes: text.as_bytes(), at: 0 }
    }

    /// The byte after the last token.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Goes on at this byte.
    pub fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    /// The next token; white space and comments are passed over. `None` at the end.
    ///
    /// # Errors
    /// Where the text ends within a token or a comment.
    pub fn token(&mut self) -> Lexed<Option<Token>> {
        self.skip_trivia()?;
        let start = self.at;
        let Some(byte) = self.peek(0) else {
            return Ok(None);
        };
        let kind = self.scan(byte)?;
        Ok(Some(Token { kind, start, end: self.at }))
    }

    fn scan(&mut self, byte: u8) -> Lexed<TokenKind> {
        match byte {
            b'\'' => self.string("a quoted string", false),
            b'"' => self.quoted_name(),
            b'$' => self.dollar(),
            b':' => Ok(self.colon()),
            b'0'..=b'9' => Ok(self.number()),
            _ if begins_word(byte) => self.word(),
            _ => {
                self.at += 1;
                Ok(match byte {
                    b'(' | b'[' => TokenKind::Open(byte),
                    b')' | b']' => TokenKind::Close(byte),
                    b',' => TokenKind::Comma,
                    b';' => TokenKind::Semicolon,
                    b'\\' => TokenKind::Backslash,
                    _ => TokenKind::Other,
                })
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn skip_trivia(&mut self) -> Lexed<()> {
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(byte), _) if is_space(byte) => self.at += 1,
                (Some(b'-'), Some(b'-')) => self.skip_while(|byte| !ends_line(byte)),
                (Some(b'/'), Some(b'*')) => self.block_comment()?,
                _ => return Ok(()),
            }
        }
    }

    fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) {
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().position(|byte| !wanted(*byte)).unwrap_or(rest.len());
    }

    /// Comments nest.
    fn block_comment(&mut self) -> Lexed<()> {
        let start = self.at;
        self.at += 2;
        let mut depth = 1_u32;
        while depth > 0 {
            self.skip_while(|byte| byte != b'/' && byte != b'*');
            match (self.peek(0), self.peek(1)) {
                (Some(b'/'), Some(b'*')) => {
                    depth += 1;
                    self.at += 2;
                }
                (Some(b'*'), Some(b'/')) => {
                    depth -= 1;
                    self.at += 2;
                }
                (Some(_), _) => self.at += 1,
                (None, _) => return Err(Unterminated { what: "a comment", start }),
            }
        }
        Ok(())
    }

    fn word(&mut self) -> Lexed<TokenKind> {
        let start = self.at;
        self.skip_while(continues_word);
        let word = &self.bytes[start..self.at];
        match (word, self.peek(0), self.peek(1)) {
            ([b'e' | b'E'], Some(b'\''), _) => self.string("a quoted string", true),
            ([b'b' | b'B' | b'x' | b'X' | b'n' | b'N'], Some(b'\''), _) => {
                self.string("a quoted string", false)
            }
            ([b'u' | b'U'], Some(b'&'), Some(b'\'')) => {
                self.at += 1;
                self.string("a quoted string", false)
            }
            ([b'u' | b'U'], Some(b'&'), Some(b'"')) => {
                self.at += 1;
                self.quoted_name()
            }
            _ => Ok(TokenKind::Word),
        }
    }

    /// From the quote on.
    fn string(&mut self, what: &'static str, escapes: bool) -> Lexed<TokenKind> {
        let start = self.at;
        loop {
            self.at += 1;
            self.skip_while(|byte| byte != b'\'' && !(escapes && byte == b'\\'));
            match (self.peek(0), self.peek(1)) {
                (None, _) => return Err(Unterminated { what, start }),
                (Some(b'\\'), _) | (Some(b'\''), Some(b'\'')) => self.at += 1,
                _ => {
                    self.at += 1;
                    match self.continued(escapes) {
                        Some(quote) => self.at = quote,
                        None => return Ok(TokenKind::Text),
                    }
                }
            }
            if self.at >= self.bytes.len() {
                return Err(Unterminated { what, start });
            }
        }
    }

    /// The quote on a later line with which the string goes on. Only for strings with escapes it
    /// makes a difference whether they are one or two.
    fn continued(&self, escapes: bool) -> Option<usize> {
        if !escapes {
            return None;
        }
        let mut ahead = self.clone();
        let mut has_break = false;
        loop {
            match (ahead.peek(0)?, ahead.peek(1)) {
                (b'\'', _) => return has_break.then_some(ahead.at),
                (b'-', Some(b'-')) => ahead.skip_while(|byte| !ends_line(byte)),
                (byte, _) if is_space(byte) => {
                    has_break |= ends_line(byte);
                    ahead.at += 1;
                }
                _ => return None,
            }
        }
    }

    fn quoted_name(&mut self) -> Lexed<TokenKind> {
        let start = self.at;
        loop {
            self.at += 1;
            self.skip_while(|byte| byte != b'"');
            match (self.peek(0), self.peek(1)) {
                (None, _) => return Err(Unterminated { what: "a quoted name", start }),
                (_, Some(b'"')) => self.at += 1,
                _ => {
                    self.at += 1;
                    return Ok(TokenKind::QuotedName);
                }
            }
        }
    }

    fn dollar(&mut self) -> Lexed<TokenKind> {
        let start = self.at;
        if self.peek(1).is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
            self.skip_while(|byte| byte.is_ascii_digit());
            return Ok(TokenKind::Parameter);
        }
        let mut end = self.at + 1;
        if self.bytes.get(end).is_some_and(|byte| begins_word(*byte)) {
            let tag = |byte: &u8| continues_word(*byte) && *byte != b'$';
            end += self.bytes[end..].iter().take_while(|byte| tag(byte)).count();
        }
        if self.bytes.get(end) != Some(&b'$') {
            self.at += 1;
            return Ok(TokenKind::Other);
        }
        let quote = &self.text[start..=end];
        let Some(length) = self.text[end + 1..].find(quote) else {
            return Err(Unterminated { what: "a dollar-quoted string", start });
        };
        self.at = end + 1 + length + quote.len();
        Ok(TokenKind::Text)
    }

    fn colon(&mut self) -> TokenKind {
        let rest = &self.bytes[self.at + 1..];
        let name = |bytes: &[u8]| bytes.iter().take_while(|byte| names_variable(**byte)).count();
        let length = match rest.first() {
            Some(b':' | b'=') => {
                self.at += 2;
                return TokenKind::Other;
            }
            Some(quote @ (b'\'' | b'"')) => match name(&rest[1..]) {
                length if length > 0 && rest.get(length + 1) == Some(quote) => length + 2,
                _ => 0,
            },
            Some(b'{') if rest.get(1) == Some(&b'?') => match name(&rest[2..]) {
                length if length > 0 && rest.get(length + 2) == Some(&b'}') => length + 3,
                _ => 0,
            },
            _ => name(rest),
        };
        self.at += 1 + length;
        if length > 0 {
            TokenKind::Variable
        } else {
            TokenKind::Other
        }
    }

    fn number(&mut self) -> TokenKind {
        self.skip_while(|byte| byte.is_ascii_digit());
        if self.peek(0) == Some(b'.') && self.peek(1) != Some(b'.') {
            self.at += 1;
            self.skip_while(|byte| byte.is_ascii_digit());
        }
        TokenKind::Number
    }
}

/// `\v` counts since 16; before it is an error of the server's.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn ends_line(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn begins_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn continues_word(byte: u8) -> bool {
    begins_word(byte) || byte.is_ascii_digit() || byte == b'$'
}

fn names_variable(byte: u8) -> bool {
    begins_word(byte) || byte.is_ascii_digit()
}

/// The tokens of a text that is known to end well; what is not ended ends them.
pub fn tokens(text: &str) -> impl Iterator<Item = Token> {
    let mut lexer = Lexer::new(text);
    std::iter::from_fn(move || lexer.token().ok().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<&str> {
        tokens(text).map(|token| token.text(text)).collect()
    }

    fn kinds(text: &str) -> Vec<TokenKind> {
        tokens(text).map(|token| token.kind).collect()
    }

    #[test]
    fn strings_and_names_end_where_the_server_ends_them() {
        for (text, wanted) in [
            (r"'a\' b", &[r"'a\'", "b"][..]),
            (r"e'a\' b' c", &[r"e'a\' b'", "c"]),
            ("'it''s' x", &["'it''s'", "x"]),
            ("E'a'\n -- c\n 'b\\'c' d", &["E'a'\n -- c\n 'b\\'c'", "d"]),
            ("E'a' 'b\\' d", &["E'a'", "'b\\'", "d"]),
            ("$$a'b$$ c", &["$$a'b$$", "c"]),
            ("$a$ $$ $b$ $a$c", &["$a$ $$ $b$ $a$", "c"]),
            ("a$b$c $1 $ é$x", &["a$b$c", "$1", "$", "é$x"]),
            ("\"a\"\"b\".U&\"c\"", &["\"a\"\"b\"", ".", "U&\"c\""]),
            ("u&'a' x'1' n'b' be'c\\'", &["u&'a'", "x'1'", "n'b'", "be", "'c\\'"]),
            ("a/* /* */ ' */b--'\rc", &["a", "b", "c"]),
            ("1.5e3 1..2", &["1.5", "e3", "1", ".", ".", "2"]),
        ] {
            assert_eq!(all(text), wanted, "{text}");
        }
    }

    #[test]
    fn variables_are_told_from_casts() {
        use TokenKind::{Other, Variable, Word};
        assert_eq!(kinds("a::b"), [Word, Other, Word]);
        assert_eq!(kinds(":a :'a' :\"a\" :{?a}"), [Variable; 4]);
        assert_eq!(kinds("a := :'b c'"), [Word, Other, Other, TokenKind::Text]);
    }

    #[test]
    fn what_has_no_end_is_named_with_its_beginning() {
        for (text, what, start) in [
            ("a 'b", "a quoted string", 2),
            ("a E'b\\'", "a quoted string", 3),
            ("a E'b\\", "a quoted string", 3),
            ("\"b", "a quoted name", 0),
            ("a\n/* /* */", "a comment", 2),
            ("$x$ $y$", "a dollar-quoted string", 0),
        ] {
            let mut lexer = Lexer::new(text);
            let error = loop {
                match lexer.token() {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("{text} has an end"),
                    Err(error) => break error,
                }
            };
            assert_eq!(error, Unterminated { what, start }, "{text}");
        }
    }
}
