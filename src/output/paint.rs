//! Colours of what people read: of a status, of a severity, of the caret below a mistake. They are put into text
//! of which everything is escaped already, so no name can bring its own.

/// The words of a status, each in a column of its own, and their colours.
const STATUSES: [(&str, &str); 6] = [
    ("failed", RED),
    ("manual action", YELLOW),
    ("cancelled", YELLOW),
    ("skipped", YELLOW),
    ("done", GREEN),
    ("passed", GREEN),
];

const RED: &str = "31";
const YELLOW: &str = "33";
const GREEN: &str = "32";

/// The text with colours.
pub fn painted(text: &str) -> String {
    text.split_inclusive('\n').map(line).collect()
}

fn line(line: &str) -> String {
    let (text, end) = match line.strip_suffix('\n') {
        Some(text) => (text, "\n"),
        None => (line, ""),
    };
    let found = severity(text).or_else(|| caret(text)).or_else(|| status(text));
    let painted = found.map(|(from, to, colour)| {
        let (before, word, after) = (&text[..from], &text[from..to], &text[to..]);
        format!("{before}\u{1b}[{colour}m{word}\u{1b}[0m{after}")
    });
    painted.unwrap_or_else(|| text.to_owned()) + end
}

/// What is to be painted: from which byte to which, and how.
type Span = Option<(usize, usize, &'static str)>;

/// `file:3:1: warning: …`, or without a place.
fn severity(text: &str) -> Span {
    let is_place = |before: &str| {
        let mut parts = before.trim_end_matches(": ").rsplitn(3, ':');
        let mut is_number = || parts.next().is_some_and(|part| part.parse::<u32>().is_ok());
        before.is_empty() || is_number() && is_number()
    };
    let of = |word: &str, colour| {
        let at = text.find(&format!("{word}: "))?;
        is_place(&text[..at]).then(|| (at, at + word.len(), colour))
    };
    of("critical", RED)
        .or_else(|| of("error", RED))
        .or_else(|| of("warning", YELLOW))
}

/// `    |    ^`.
fn caret(text: &str) -> Span {
    let before = text.strip_suffix('^')?;
    let (_, between) = before.split_once('|')?;
    let is_below = between.chars().all(char::is_whitespace);
    is_below.then_some((before.len(), text.len(), RED))
}

/// A word that stands alone between two columns.
fn status(text: &str) -> Span {
    let is_alone = |at: usize, word: &str| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        let begins = before.ends_with("  ") || before.trim().is_empty() && !before.is_empty();
        begins && (after.is_empty() || after.starts_with("  "))
    };
    STATUSES.iter().find_map(|(word, colour)| {
        let at = text.find(word).filter(|at| is_alone(*at, word))?;
        Some((at, at + word.len(), *colour))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_severities_and_carets_are_painted_and_nothing_else() {
        for (plain, coloured) in [
            (" failed  build index  a", " \u{1b}[31mfailed\u{1b}[0m  build index  a"),
            (" done    build index  a", " \u{1b}[32mdone\u{1b}[0m    build index  a"),
            (" parse     passed  1 ms", " parse     \u{1b}[32mpassed\u{1b}[0m  1 ms"),
            ("a.sql:3:1: warning: it", "a.sql:3:1: \u{1b}[33mwarning\u{1b}[0m: it"),
            ("error: it", "\u{1b}[31merror\u{1b}[0m: it"),
            ("    |   ^", "    |   \u{1b}[31m^\u{1b}[0m"),
        ] {
            assert_eq!(painted(plain), coloured);
        }
        for plain in [" the build failed here", "SELECT 'error: x'", "done", "a | b ^", ""] {
            assert_eq!(painted(plain), plain);
        }
        assert_eq!(painted("a\nerror: b\n"), "a\n\u{1b}[31merror\u{1b}[0m: b\n");
    }
}
