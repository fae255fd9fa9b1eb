//! What is passed over in the files, for the reader.

use super::Source;
use super::check::Problem;
use super::parse::Others;
use crate::syntax::lexer::tokens;
use crate::warning::Warning;

/// So many are named one by one in a file; a dump has thousands.
const NAMED: usize = 100;
/// More of them are counted for people.
const FEW: usize = 3;

/// So much of a word is shown.
const WORD_SHOWN: usize = 40;

/// What was passed over.
#[derive(Debug)]
pub struct Passed {
    others: Others,
    pub warnings: Vec<Warning>,
    file: String,
    in_file: usize,
}

impl Passed {
    /// Nothing yet.
    pub fn new(others: Others) -> Self {
        Passed {
            others,
            warnings: Vec::new(),
            file: String::new(),
            in_file: 0,
        }
    }

    /// Whether what declares nothing is an error.
    pub fn refuses(&self) -> bool {
        self.others == Others::Refuse
    }

    /// A statement that declares nothing. Returns the problem where that is one.
    pub fn statement(&mut self, source: &Source, text: &str, has_rows: bool) -> Option<Problem> {
        let words = beginning(text);
        if self.others == Others::Refuse {
            let message = format!(
                "`{words} …` is not CREATE INDEX, CREATE MATERIALIZED VIEW, COMMENT, ANALYZE or VACUUM"
            );
            return Some(Problem::new(source, message).hint(
                "leave such statements to your migrations, or skip them with --ignore-other",
            ));
        }
        let rows = if has_rows { ", and its rows" } else { "" };
        self.one(source, format!("skipped: {words} …{rows}"));
        None
    }

    /// A command of psql's that changes nothing. Returns the problem where that is one.
    pub fn command(&mut self, source: &Source, command: &str) -> Option<Problem> {
        if self.others == Others::Refuse {
            let problem =
                Problem::new(source, format!("`{command}` is a command of psql, not SQL"));
            return Some(problem.hint(
                "take it out of the file, or pass over all that declares nothing with \
                 --ignore-other",
            ));
        }
        self.one(source, format!("skipped: {command}"));
        None
    }

    pub fn note(&mut self, source: &Source, message: String) {
        self.push("ignored_statement", source.to_string(), message);
    }

    /// A remark under a rule of its own.
    pub fn push(&mut self, rule: &'static str, object: String, message: String) {
        self.warnings.push(Warning { rule, object, message });
    }

    fn one(&mut self, source: &Source, message: String) {
        let file = source.file.display().to_string();
        if self.file != file {
            self.finish();
            self.file = file;
        }
        self.in_file += 1;
        if self.in_file <= NAMED {
            self.note(source, message);
        }
    }

    /// Says of a file how much was skipped in it, where that is more than one wants to read.
    pub fn finish(&mut self) {
        let skipped = std::mem::take(&mut self.in_file);
        if skipped > FEW {
            let object = std::mem::take(&mut self.file);
            let message = format!("skipped {skipped} other statements; -v lists them");
            self.push("ignored_statement", object, message);
        }
    }
}

/// The statement's first three words, as far as blanks part them.
pub fn beginning(text: &str) -> String {
    let mut written = String::new();
    let (mut words, mut end) = (0, None);
    for token in tokens(text).take(60) {
        if end != Some(token.start) {
            words += 1;
            if words > 3 {
                break;
            }
            if !written.is_empty() {
                written.push(' ');
            }
        }
        written.extend(token.text(text).chars().take(WORD_SHOWN));
        end = Some(token.end);
    }
    written.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}
