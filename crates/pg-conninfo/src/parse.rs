//! The text of a connection: a URL, key=value pairs, or a bare database name.
//!
//! No failure repeats any of the text, for whatever is misread may be a piece of the password.
//!
//! Source: PostgreSQL documentation, libpq, "Connection Strings".

use std::ops::Range;

use crate::dialects::{self, Meaning, NO_VERIFY, after_scheme};
use crate::error::{Error, Result};
use crate::keywords::{self, Keyword};

/// One parameter as the text gives it.
pub(crate) struct Pair {
    pub(crate) keyword: &'static Keyword,
    pub(crate) value: String,
}

/// What the text says.
#[derive(Default)]
pub(crate) struct Parsed {
    /// libpq's parameters in the text's order; of two with the same keyword the later one holds.
    pub(crate) pairs: Vec<Pair>,
    /// Settings that sessions begin with, by name.
    pub(crate) settings: Vec<(String, String)>,
    /// What was passed over.
    pub(crate) warnings: Vec<String>,
}

/// Reads the text.
///
/// # Errors
/// Fails with usage if the text is malformed or holds a keyword that libpq does not know.
pub(crate) fn parse(text: &str) -> Result<Parsed> {
    if let Some(failure) = dialects::wrapped(text) {
        return Err(failure);
    }
    if let Some(rest) = after_scheme(text) {
        return parse_url(rest);
    }
    let Some((front, _)) = text.split_once('=') else {
        return match dialects::misread(text) {
            Some(failure) => Err(failure),
            None => Ok(Parsed::of(pair("dbname", text.to_owned()))),
        };
    };
    if front.contains([':', '/', '@', '"', '\'', '$', '?']) {
        return Err(dialects::misread(text).unwrap_or_else(missing_equals_sign));
    }
    parse_words(text).map(Parsed::of)
}

impl Parsed {
    fn of(pairs: impl IntoIterator<Item = Pair>) -> Parsed {
        Parsed { pairs: pairs.into_iter().collect(), ..Parsed::default() }
    }
}

/// The text without what is secret in it; see
/// [`Conninfo::without_secrets`](crate::Conninfo::without_secrets).
pub(crate) fn without_secrets(text: &str) -> Option<Harmless> {
    match after_scheme(text) {
        Some(rest) => url_without_secrets(&text[..text.len() - rest.len()], rest),
        None => words_without_secrets(text),
    }
}

/// A text that everybody may read.
#[derive(Debug, PartialEq, Eq)]
pub struct Harmless {
    /// What is left of the text.
    pub text: String,
    /// The password that it held, unless it was empty.
    pub password: Option<String>,
}

/// Parameters that are not to be read by others.
fn is_secret(name: &str) -> bool {
    keywords::SECRETS.iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

pub(crate) fn is_url(text: &str) -> bool {
    after_scheme(text).is_some()
}

fn pair(name: &str, value: String) -> Option<Pair> {
    let (keyword, value) = keywords::translate(name, value)?;
    Some(Pair { keyword, value })
}

/// The pair, or a failure that names the keyword. A "keyword" that follows an unquoted password
/// may be the rest of that password, as in `password=two words=x`, and is not repeated.
fn known(name: &str, value: String, previous: Option<&Pair>) -> Result<Pair> {
    pair(name, value).ok_or_else(|| {
        let may_be_secret = previous.is_some_and(|pair| pair.keyword.name == "password");
        let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if may_be_secret {
            Error::text("unknown connection parameter after the password").with_hint(
                "a password with a blank needs quotes ('…'); in a URL write & as %26 and = as %3D",
            )
        } else if is_word && !name.is_empty() {
            let unknown = Error::text(format!("unknown connection parameter \"{name}\""));
            match keywords::nearest(name) {
                Some(known) => unknown.with_hint(format!("did you mean {known}?")),
                None => unknown,
            }
        } else {
            Error::text("unknown connection parameter")
        }
    })
}

const MISSING: &str = "missing \"=\" in the connection text";

fn missing_equals_sign() -> Error {
    Error::text(MISSING).with_hint("key=value pairs begin with a key, a URL with postgres://")
}

// Key=value.

/// Reads `key = value` words one after the other.
struct Words<'a> {
    text: &'a str,
    at: usize,
}

/// One `key=value` and where it stands.
struct Word<'a> {
    name: &'a str,
    value: String,
    place: Range<usize>,
}

fn parse_words(text: &str) -> Result<Vec<Pair>> {
    let mut pairs: Vec<Pair> = Vec::new();
    let mut words = Words { text, at: 0 };
    while let Some(word) = words.next_word()? {
        if text.contains(';') && keywords::find(word.name).is_none() && pairs.is_empty() {
            return Err(dialects::with_semicolons());
        }
        pairs.push(known(word.name, word.value, pairs.last())?);
    }
    let is_several = |pair: &Pair| {
        let mut parts = pair.value.split(';').skip(1);
        pair.keyword.name != "password" && parts.any(|part| part.contains('='))
    };
    if pairs.iter().any(is_several) {
        return Err(dialects::with_semicolons());
    }
    Ok(pairs)
}

fn words_without_secrets(text: &str) -> Option<Harmless> {
    let mut kept = String::with_capacity(text.len());
    let (mut password, mut copied) = (None, 0);
    let mut words = Words { text, at: 0 };
    while let Some(word) = words.next_word().ok()? {
        if is_secret(word.name) {
            kept.push_str(&text[copied..word.place.start]);
            copied = word.place.end;
        }
        if word.name == "password" {
            password = Some(word.value);
        }
    }
    kept.push_str(&text[copied..]);
    (copied > 0).then(|| Harmless {
        text: kept.trim().to_owned(),
        password: password.filter(|password| !password.is_empty()),
    })
}

impl<'a> Words<'a> {
    fn next_word(&mut self) -> Result<Option<Word<'a>>> {
        self.skip_blanks();
        let start = self.at;
        if self.rest().is_empty() {
            return Ok(None);
        }
        let length = self.rest().find(|c| c == '=' || is_blank(c)).unwrap_or(self.rest().len());
        let name = &self.rest()[..length];
        self.at += length;
        self.skip_blanks();
        if !self.rest().starts_with('=') {
            let place = self.text[..self.at].trim_end().chars().count();
            return Err(Error::text(format!("{MISSING} after character {place}"))
                .with_hint("a value with a blank needs quotes: '…'"));
        }
        self.at += 1;
        self.skip_blanks();
        let value = if self.rest().starts_with('\'') {
            self.quoted()?
        } else {
            self.plain()
        };
        Ok(Some(Word { name, value, place: start..self.at }))
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start_matches(is_blank).len();
    }

    /// A value up to the next blank; a backslash takes the next character as it is.
    fn plain(&mut self) -> String {
        let mut value = String::new();
        let mut characters = self.rest().char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
                blank if is_blank(blank) => {
                    self.at += at;
                    return value;
                }
                other => value.push(other),
            }
        }
        self.at = self.text.len();
        value
    }

    /// A value in single quotes; a backslash takes the next character as it is.
    fn quoted(&mut self) -> Result<String> {
        let mut value = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((at, character)) = characters.next() {
            match character {
                '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
                '\'' => {
                    self.at += at + 1;
                    return Ok(value);
                }
                other => value.push(other),
            }
        }
        Err(Error::text("unterminated quoted string in the connection text"))
    }
}

/// What C's `isspace` takes for a blank.
fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t'..='\r')
}

// URL.

/// The pieces of a URL, still percent-encoded.
struct Url<'a> {
    user: &'a str,
    password: &'a str,
    hosts: &'a str,
    dbname: &'a str,
    query: &'a str,
}

impl<'a> Url<'a> {
    fn split(rest: &'a str) -> Self {
        // As libpq does: an `@` before the first `/` ends the credentials, be there a `?` or not.
        let (credentials, rest) = match rest.find(['@', '/']) {
            Some(at) if rest.as_bytes()[at] == b'@' => (&rest[..at], &rest[at + 1..]),
            _ => ("", rest),
        };
        let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        let (front, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (hosts, dbname) = front.split_once('/').unwrap_or((front, ""));
        Url { user, password, hosts, dbname, query }
    }

    /// Refuses what libpq would take for a host or a database although it is most likely a piece
    /// of a password that was not percent-encoded: it would be shown in every message.
    fn refuse_stray_at(&self) -> Result<()> {
        let has_colon = !self.password.is_empty() || self.hosts.contains(':');
        if self.hosts.contains('@') || (has_colon && self.dbname.contains('@')) {
            return Err(Error::text("the connection URL has an \"@\" in an unexpected place")
                .with_hint("percent-encode the password: @ is %40, / is %2F, : is %3A, % is %25"));
        }
        Ok(())
    }
}

fn parse_url(rest: &str) -> Result<Parsed> {
    let url = Url::split(rest);
    url.refuse_stray_at()?;
    let (hosts, ports) = hosts_and_ports(url.hosts)?;
    let mut parsed = Parsed::default();
    let parts = [
        ("user", url.user),
        ("password", url.password),
        ("host", &hosts),
        ("port", &ports),
        ("dbname", url.dbname),
    ];
    // An empty part is no parameter: it would hide the environment's.
    for (name, encoded) in parts.into_iter().filter(|(_, encoded)| !encoded.is_empty()) {
        parsed.pairs.extend(pair(name, decode(encoded)?));
    }
    for parameter in url.query.split('&').filter(|parameter| !parameter.is_empty()) {
        parsed.read_parameter(parameter)?;
    }
    Ok(parsed)
}

/// `a:1,[::1]:2,c` as libpq's two lists: `a,::1,c` and `1,2,`.
fn hosts_and_ports(netlocs: &str) -> Result<(String, String)> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for netloc in netlocs.split(',') {
        let (host, port) = match netloc.strip_prefix('[') {
            Some(address) => split_bracketed(address)?,
            None => netloc.split_once(':').unwrap_or((netloc, "")),
        };
        hosts.push(host);
        ports.push(port);
    }
    let any_port = ports.iter().any(|port| !port.is_empty());
    Ok((hosts.join(","), if any_port { ports.join(",") } else { String::new() }))
}

fn split_bracketed(address: &str) -> Result<(&str, &str)> {
    let (host, rest) =
        address.split_once(']').filter(|(host, _)| !host.is_empty()).ok_or_else(|| {
            Error::text("the connection URL has a \"[\" without an address and \"]\"")
        })?;
    if rest.is_empty() {
        return Ok((host, ""));
    }
    let port = rest.strip_prefix(':').ok_or_else(|| {
        Error::text("the connection URL has something other than a port after \"]\"")
    })?;
    Ok((host, port))
}

impl Parsed {
    /// One `name=value` behind the `?`: libpq's, in its spelling before any other, or a framework's.
    fn read_parameter(&mut self, parameter: &str) -> Result<()> {
        let (name, value) =
            parameter.split_once('=').filter(|(_, value)| !value.contains('=')).ok_or_else(
                || Error::text("a query parameter of the connection URL needs one \"=\""),
            )?;
        let (name, value) = (decode(name)?, decode(value)?);
        if name == "sslmode" && value == NO_VERIFY {
            self.pairs.extend(pair("sslmode", "require".to_owned()));
        } else if name != "sslpassword" && keywords::find(&name).is_some() {
            self.pairs.extend(pair(&name, value));
        } else if let Some(setting) = setting_name(&name) {
            self.settings.push((setting.to_owned(), value));
        } else if let Some(meaning) = dialects::meaning(&name) {
            self.read_foreign(meaning, &name, value);
        } else {
            // R2DBC's sslMode and its like.
            let small = name.to_ascii_lowercase();
            let name = if keywords::find(&small).is_some() { small } else { name };
            let pair = known(&name, value, self.pairs.last())?;
            self.pairs.push(pair);
        }
        Ok(())
    }

    fn read_foreign(&mut self, meaning: Meaning, name: &str, value: String) {
        // What only begins like something known could go on with a piece of a password.
        let name = if name.starts_with("x-") { "x-…" } else { name };
        match meaning {
            Meaning::Keyword(keyword) => self.pairs.extend(pair(keyword, value)),
            Meaning::Tls => match dialects::ssl_mode(&value) {
                Some(mode) => self.pairs.extend(pair("sslmode", mode.to_owned())),
                None => self.warn(name, "sslmode says whether TLS is wanted"),
            },
            Meaning::Schema => self.set_search_path(as_identifier(&value)),
            Meaning::SearchPath => self.set_search_path(value),
            Meaning::Ignored => self.warn(name, "it is for an ORM or a driver"),
            Meaning::IgnoredTls => self.warn(
                name,
                "sslmode and sslrootcert say how the server's certificate is checked, sslcert and \
                 sslkey name one of your own",
            ),
        }
    }

    fn set_search_path(&mut self, value: String) {
        self.settings.push(("search_path".to_owned(), value));
    }

    fn warn(&mut self, name: &str, why: &str) {
        self.warnings.push(format!("connection parameter {name} is ignored: {why}"));
    }
}

/// The name of a schema as an item of `search_path`, in quotes unless it is plain.
fn as_identifier(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let begins_plain = !name.is_empty() && !name.starts_with(|first: char| first.is_ascii_digit());
    if begins_plain && name.bytes().all(is_plain) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// sqlx writes a setting as `options[name]=value`.
fn setting_name(name: &str) -> Option<&str> {
    let inner = name.strip_prefix("options[")?.strip_suffix(']')?;
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "_.".contains(char);
    inner.chars().all(is_plain).then_some(inner)
}

fn url_without_secrets(scheme: &str, rest: &str) -> Option<Harmless> {
    let url = Url::split(rest);
    url.refuse_stray_at().ok()?;
    let mut password = (!url.password.is_empty()).then(|| decode(url.password).ok()).flatten();
    let (mut query, mut is_changed) = (Vec::new(), password.is_some());
    for parameter in url.query.split('&') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let name = decode(name).ok()?;
        if !is_secret(&name) {
            query.push(parameter);
            continue;
        }
        is_changed = true;
        if name.eq_ignore_ascii_case("password") {
            password = Some(decode(value).ok()?);
        }
    }
    let mut text = scheme.to_owned();
    if !url.user.is_empty() {
        text.extend([url.user, "@"]);
    }
    text.push_str(url.hosts);
    if !url.dbname.is_empty() {
        text.extend(["/", url.dbname]);
    }
    let joined = query.join("&");
    if !joined.is_empty() {
        text.extend(["?", &joined]);
    }
    is_changed.then(|| Harmless {
        text,
        password: password.filter(|password| !password.is_empty()),
    })
}

/// Undoes percent-encoding.
fn decode(encoded: &str) -> Result<String> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16));
        match digit().zip(digit()).and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) {
            Some(value) if value != 0 => decoded.push(value),
            _ => return Err(bad_encoding()),
        }
    }
    String::from_utf8(decoded).map_err(|_| bad_encoding())
}

fn bad_encoding() -> Error {
    Error::text("the connection URL is not properly percent-encoded").with_hint(
        "a % must be followed by two hexadecimal digits, other than 00; write % itself as %25",
    )
}
