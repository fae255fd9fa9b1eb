//! Liquibase's formatted SQL: each changeset is a transaction unless it says `runInTransaction:false`. It
//! cuts at semicolons, but not within quotes and BEGIN … END, and knows no dollar quotes.

use std::ops::Range;
use std::path::Path;

use super::{Between, Layout, Tool, ToolReader, Transactions, sure};
use crate::declared::migrations::listing::FoundFile;
use crate::declared::migrations::order;
use crate::declared::migrations::pair::Pair;
use crate::declared::migrations::sections::{SectionLine, lines, without_marker};
use crate::declared::migrations::{Migration, Pieces, Script, Wrapping, files, invalid_at};
use crate::failure::Result;

pub(super) const TOOL: Tool = Tool {
    layout: Layout::Liquibase,
    name: "Liquibase",
    knows: |listing| sure(listing.files.iter().any(is_formatted)),
    order: |listing| {
        order::each(listing, |found| is_formatted(found).then(|| order::natural(found)).flatten())
    },
    read,
    between: Between::Nothing,
    transactions: Transactions::Each,
};

const HINT: &str = "Liquibase knows no dollar quotes and ends a statement at a semicolon: give the changeset \
    `splitStatements:false`, or an `endDelimiter`";

fn is_formatted(found: &FoundFile) -> bool {
    found
        .text()
        .lines()
        .any(|line| directive(line).is_some_and(|it| it.starts_with("liquibase formatted")))
}

/// What stands behind the dashes of a comment that begins the line, in small letters and with single
/// blanks.
fn directive(line: &str) -> Option<String> {
    let rest = line.trim_start().strip_prefix("--")?;
    Some(rest.to_ascii_lowercase().split_whitespace().collect::<Vec<_>>().join(" "))
}

/// A changeset as it stands in the file.
struct Changeset {
    name: String,
    line: u32,
    /// The bytes that apply.
    up: Vec<Range<usize>>,
    first_up: Option<u32>,
    /// The rollback's statements, line by line.
    down: Vec<(u32, String)>,
    attributes: String,
}

impl Changeset {
    fn attribute(&self, name: &str) -> Option<&str> {
        let at = self
            .attributes
            .to_ascii_lowercase()
            .find(&format!(" {}:", name.to_ascii_lowercase()))?;
        let rest = &self.attributes[at + name.len() + 2..];
        let value = rest.trim_start();
        match value.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next(),
            None => value.split_whitespace().next(),
        }
    }

    fn is_off(&self, name: &str) -> bool {
        self.attribute(name).is_some_and(|value| value.eq_ignore_ascii_case("false"))
    }

    /// Whether Liquibase runs it on PostgreSQL, with no context or label asked for.
    fn is_run(&self) -> bool {
        let ignored = self.attribute("ignore").is_some_and(|it| it.eq_ignore_ascii_case("true"));
        let Some(dbms) = self.attribute("dbms") else {
            return !ignored;
        };
        let all = dbms.split(',').map(str::trim).collect::<Vec<_>>();
        let is_it = |name: &str| name.eq_ignore_ascii_case("postgresql") || name == "all";
        let excluded = all.iter().any(|name| name.strip_prefix('!').is_some_and(is_it));
        let only = all.iter().any(|name| !name.starts_with('!'));
        !ignored && !excluded && (!only || all.iter().any(|name| is_it(name)))
    }
}

fn read(pair: &Pair, reader: &mut ToolReader<'_>) -> Result<Vec<Migration>> {
    let text = files::read_text(&pair.up)?;
    let changesets = changesets(&pair.up, &text)?;
    if changesets.is_empty() {
        return Err(without_marker(&pair.up, &text, "Liquibase finds no changeset in the file")
            .hint("begin each with `--changeset AUTHOR:ID`"));
    }
    let mut migrations = Vec::new();
    for changeset in changesets {
        if !changeset.is_run() {
            let (file, line) = (pair.up.display(), changeset.line);
            let name = &changeset.name;
            reader
                .warnings
                .push(format!("{file}:{line}: Liquibase does not run {name} on PostgreSQL"));
            continue;
        }
        migrations.push(migration(&pair.up, &text, &changeset)?);
    }
    Ok(migrations)
}

fn migration(file: &Path, text: &str, changeset: &Changeset) -> Result<Migration> {
    let unwrapped = changeset.is_off("runInTransaction");
    let wrapping = if unwrapped {
        Wrapping::None
    } else {
        Wrapping::Transaction
    };
    let line = changeset.first_up.unwrap_or(changeset.line);
    let up = Script::of_parts(file, text, line, &changeset.up, wrapping);
    if up.text.trim().is_empty() {
        return Err(invalid_at(
            file,
            changeset.line,
            format!("no SQL stands in {}", changeset.name),
        )
        .hint("Liquibase refuses an empty changeset"));
    }
    if let Some(at) = up.text.find("${") {
        let line = up.first_line + u32::try_from(up.text[..at].matches('\n').count()).unwrap_or(0);
        return Err(invalid_at(file, line, "Liquibase fills in a parameter here")
            .hint("verify the SQL that `liquibase update-sql` writes"));
    }
    let up = cut(&up, changeset.is_off("splitStatements"), changeset.attribute("endDelimiter"));
    let down = changeset
        .down
        .first()
        .map(|(first, _)| {
            let mut text = String::new();
            let mut at = *first;
            for (line, sql) in &changeset.down {
                while at < *line {
                    text.push('\n');
                    at += 1;
                }
                text.push_str(sql);
            }
            Script::new(file, *first, text, wrapping)
        })
        .filter(|down| !is_no_way_back(&down.text));
    Ok(Migration { name: changeset.name.clone(), up, down })
}

/// `--rollback empty` and `not required` say that there is nothing to do.
fn is_no_way_back(text: &str) -> bool {
    let lowered = text.trim().trim_end_matches(';').to_ascii_lowercase();
    matches!(lowered.as_str(), "" | "empty" | "not required") || lowered.starts_with("changesetid:")
}

fn changesets(file: &Path, text: &str) -> Result<Vec<Changeset>> {
    let mut found: Vec<Changeset> = Vec::new();
    let mut is_ignored = false;
    let mut skip = 0u64;
    let mut is_rollback = false;
    for line in lines(text) {
        let directive = directive(line.text);
        let said = directive.as_deref().unwrap_or_default();
        if skip > 0 {
            skip -= 1;
            continue;
        }
        if let Some(how) = said.strip_prefix("ignorelines:") {
            match how.trim() {
                "start" => is_ignored = true,
                "end" => is_ignored = false,
                number => skip = number.parse().unwrap_or(0),
            }
            continue;
        }
        if is_ignored {
            continue;
        }
        if said.starts_with("changeset") {
            found.push(begin(file, line)?);
            is_rollback = false;
            continue;
        }
        let Some(changeset) = found.last_mut() else {
            continue;
        };
        let lower = line.text.trim().to_ascii_lowercase();
        if is_rollback {
            is_rollback = !lower.ends_with("*/");
            let sql = line.text.trim_end().trim_end_matches("*/");
            changeset.down.push((line.number, format!("{sql}\n")));
            continue;
        }
        if lower.starts_with("/*") && lower[2..].split_whitespace().eq(["liquibase", "rollback"]) {
            is_rollback = true;
            continue;
        }
        if said.starts_with("rollback") {
            let at =
                line.text.to_ascii_lowercase().find("rollback").unwrap_or(0) + "rollback".len();
            changeset.down.push((line.number, format!("{}\n", line.text[at..].trim())));
            continue;
        }
        changeset.first_up = changeset.first_up.or(Some(line.number));
        match changeset.up.last_mut() {
            Some(last) if last.end == line.start => last.end = line.end,
            _ => changeset.up.push(line.start..line.end),
        }
    }
    Ok(found)
}

fn begin(file: &Path, line: SectionLine<'_>) -> Result<Changeset> {
    let at = line.text.to_ascii_lowercase().find("changeset").unwrap_or(0) + "changeset".len();
    let rest = line.text[at..].trim();
    let named = rest.split_once(':').map(|(author, behind)| {
        let id = match behind.trim_start().strip_prefix('"') {
            Some(quoted) => quoted.split('"').next().unwrap_or_default(),
            None => behind.split_whitespace().next().unwrap_or_default(),
        };
        (author.trim().trim_matches('"'), id)
    });
    let Some((author, id)) = named.filter(|(author, id)| !author.is_empty() && !id.is_empty())
    else {
        return Err(invalid_at(file, line.number, "Liquibase does not understand this changeset")
            .hint("write `--changeset AUTHOR:ID`"));
    };
    let name = format!("{}::{id}::{author}", crate::declared::migrations::listing::file_name(file));
    let (up, down, first_up) = (Vec::new(), Vec::new(), None);
    Ok(Changeset {
        name,
        line: line.number,
        up,
        first_up,
        down,
        attributes: format!(" {rest}"),
    })
}

/// What Liquibase makes of a changeset: one message, or those between its delimiters.
fn cut(script: &Script, whole: bool, delimiter: Option<&str>) -> Script {
    let text = script.text.as_str();
    let everything = 0..text.len();
    let mut ends = Vec::new();
    if !whole {
        ends = match delimiter {
            None | Some(";") => delimited(text, |rest| rest.starts_with(';').then_some(1)),
            Some(other) => delimited(text, |rest| {
                let start = rest.get(..other.len())?;
                start.eq_ignore_ascii_case(other).then_some(other.len())
            }),
        };
    }
    let mut ranges = Vec::new();
    let mut at = 0;
    for end in ends.iter().cloned().chain(std::iter::once(text.len()..text.len())) {
        if !text[at..end.start].trim().is_empty() {
            ranges.push(at..end.start);
        }
        at = end.end;
    }
    if whole {
        ranges = vec![everything];
    }
    let is_semicolon = delimiter.is_none_or(|it| it == ";");
    let cut = Script {
        pieces: Some(Pieces { ranges, hint: HINT }),
        ..script.clone()
    };
    // The delimiter is no SQL, unless it is a semicolon.
    if is_semicolon || whole { cut } else { cut.without(ends) }
}

/// Where delimiters stand, but for those in quotes, comments and BEGIN … END.
fn delimited(text: &str, delimiter: impl Fn(&str) -> Option<usize>) -> Vec<Range<usize>> {
    let mut ends = Vec::new();
    let (mut at, mut open) = (0, 0usize);
    while at < text.len() {
        let rest = &text[at..];
        if let Some(length) = delimiter(rest).filter(|_| open == 0) {
            ends.push(at..at + length);
            at += length;
            continue;
        }
        let length = if rest.starts_with("--") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with(['\'', '"']) {
            quoted(rest)
        } else {
            word(rest)
        };
        let token = &rest[..length];
        let next = rest[length..].split_whitespace().next().unwrap_or_default();
        let starts = |it: &str| next.get(..it.len()).is_some_and(|n| n.eq_ignore_ascii_case(it));
        let is_transaction = starts("tran");
        if token.eq_ignore_ascii_case("begin") && !is_transaction {
            open += 1;
        } else if token.eq_ignore_ascii_case("end") && !is_transaction {
            open = open.saturating_sub(1);
        }
        at += length;
    }
    ends
}

fn quoted(rest: &str) -> usize {
    let quote = rest.as_bytes()[0];
    let mut bytes = rest.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        if byte == b'\\' {
            bytes.next();
        } else if byte == quote {
            return at + 1;
        }
    }
    rest.len()
}

fn word(rest: &str) -> usize {
    let is_word = |c: char| c.is_alphanumeric() || "_$@#".contains(c);
    let length = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
    if length > 0 {
        length
    } else {
        rest.chars().next().map_or(0, char::len_utf8)
    }
}
