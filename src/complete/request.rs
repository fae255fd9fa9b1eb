//! What a shell asks.

use std::ffi::OsString;

use clap_complete::Shell;

use super::words::{TypedWord, words};
use crate::jobs::completions;

/// What a shell asks: the words up to the cursor, the program's name first; none where it wants the script that
/// asks.
#[derive(Debug)]
pub struct CompletionRequest {
    /// One whose script asks the program.
    pub shell: Shell,
    pub words: Vec<TypedWord>,
}

/// Between words in the environment.
const SEPARATOR: char = '\u{1f}';

impl CompletionRequest {
    /// What the environment asks of this process, and the arguments behind `--`; `None` where no shell asks.
    pub fn of_process() -> Option<CompletionRequest> {
        let shell = std::env::var("COMPLETE").ok()?.parse::<Shell>().ok()?;
        completions::script(shell)?;
        let variable = |name: &str| std::env::var(name).ok();
        let words = match (variable("COMP_LINE"), variable("PGTEND_WORDS")) {
            (Some(line), _) if shell == Shell::Bash => {
                let point = variable("COMP_POINT").and_then(|point| point.parse::<usize>().ok());
                let typed = point.and_then(|point| line.get(..point)).unwrap_or(&line);
                words(typed, &variable("COMP_WORDBREAKS").unwrap_or_default())
            }
            (_, Some(list)) => list.split(SEPARATOR).map(|word| typed(shell, word)).collect(),
            _ => of_arguments(std::env::args_os()),
        };
        Some(CompletionRequest { shell, words })
    }

    /// The value of an option as far as it is typed before the cursor, the last one where it is repeated.
    pub fn option(&self, long: &str, short: Option<char>) -> Option<&str> {
        let (_, before) = self.words.split_last()?;
        let mut found = None;
        for (at, word) in before.iter().enumerate() {
            let text = word.text.as_str();
            let next = before.get(at + 1).map(|word| word.text.as_str());
            let of_long = text.strip_prefix("--").and_then(|rest| rest.strip_prefix(long));
            let of_short = short.and_then(|short| text.strip_prefix('-')?.strip_prefix(short));
            found = match (of_long, of_short) {
                (Some(""), _) | (_, Some("")) => next.or(found),
                (Some(rest), _) if rest.starts_with('=') => rest.get(1..),
                (_, Some(rest)) => Some(rest),
                _ => found,
            };
        }
        found
    }
}

/// zsh gives words as they are typed; fish only the last one, and takes quotes away from the others itself.
fn typed(shell: Shell, word: &str) -> TypedWord {
    let plain = TypedWord { text: word.to_owned(), ..TypedWord::default() };
    match shell {
        Shell::Zsh | Shell::Fish if word.contains(['\'', '"', '\\']) => {
            let mut words = words(word, "");
            match words.len() {
                1 => words.remove(0),
                _ => plain,
            }
        }
        _ => plain,
    }
}

fn of_arguments(arguments: impl Iterator<Item = OsString>) -> Vec<TypedWord> {
    let behind = arguments.skip_while(|argument| argument != "--").skip(1);
    let text = |argument: OsString| argument.to_string_lossy().into_owned();
    behind
        .map(|argument| TypedWord { text: text(argument), ..TypedWord::default() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(line: &str) -> CompletionRequest {
        CompletionRequest { shell: Shell::Bash, words: words(line, "=:") }
    }

    #[test]
    fn options_before_the_cursor_are_known() {
        let line = "pgtend -d postgres://a/b --target=shop plan --config 'my file' --target ";
        let request = request(line);
        assert_eq!(request.option("database-url", Some('d')), Some("postgres://a/b"));
        assert_eq!(request.option("config", None), Some("my file"));
        assert_eq!(request.option("target", None), Some("shop"));
        assert_eq!(request.option("format", None), None);
    }

    #[test]
    fn short_options_may_hold_their_value() {
        assert_eq!(request("pgtend -dshop plan ").option("database-url", Some('d')), Some("shop"));
        assert_eq!(request("pgtend -d").option("database-url", Some('d')), None);
    }
}
