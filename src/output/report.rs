//! What a job returns: the same result for programs and for people.

use super::{Format, Head, Outcome, Verbosity};
use crate::failure::Result;
use crate::warning::Warning;

/// A job's result. It prints nothing: the console does.
pub trait Report {
    /// What the command came to.
    fn outcome(&self) -> Outcome;

    /// The exit code that goes with it.
    fn exit_code(&self) -> u8 {
        self.outcome().exit_code()
    }

    /// One JSON document, as one line.
    fn json(&self, head: Head) -> String;

    /// What people read, and what is written in any other format than JSON.
    fn text(&self, style: &Style) -> Text;

    /// The text without what differs each time, such as how long it took: by this, results of
    /// several targets are known to be the same.
    fn gist(&self, style: &Style) -> Text {
        self.text(style)
    }
}

/// How the text of a report is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// In which format.
    pub format: Format,
    /// How much of it.
    pub verbosity: Verbosity,
    /// How many characters a line has room for; `None` where it does not go to a terminal.
    pub width: Option<u16>,
}

impl Style {
    /// More than failures and findings is wanted.
    pub fn is_quiet(&self) -> bool {
        self.verbosity == Verbosity::Quiet
    }

    /// All is wanted.
    pub fn is_verbose(&self) -> bool {
        self.verbosity == Verbosity::Verbose
    }
}

/// A part of a text, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// What was asked for: standard output.
    Product(String),
    /// Said by the way, unless quiet was asked for.
    Narration(String),
    /// What must not get lost.
    Warning(String),
}

/// What people read, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    /// The parts.
    pub pieces: Vec<Piece>,
}

impl Text {
    /// Nothing but a product.
    pub fn of(product: impl Into<String>) -> Self {
        Text { pieces: vec![Piece::Product(product.into())] }
    }

    /// Adds to the product.
    pub fn product(&mut self, text: impl Into<String>) {
        self.pieces.push(Piece::Product(text.into()));
    }

    /// Says something by the way.
    pub fn narrate(&mut self, text: impl Into<String>) {
        self.pieces.push(Piece::Narration(text.into()));
    }

    /// Says what must not get lost.
    pub fn warn(&mut self, text: impl Into<String>) {
        self.pieces.push(Piece::Warning(text.into()));
    }

    /// Says what a plan or a look should not let get lost. Of a file of which it is said how much was skipped
    /// in it, what that was is left to `-v`.
    pub fn warnings(&mut self, warnings: &[Warning], style: &Style) {
        let is_counted = |warning: &Warning| {
            let Some((file, _)) = warning.object.rsplit_once(':') else {
                return false;
            };
            let mut others = warnings.iter().filter(|other| other.rule == warning.rule);
            warning.rule == "ignored_statement" && others.any(|other| other.object == file)
        };
        let told = warnings.iter().filter(|it| style.is_verbose() || !is_counted(it));
        for Warning { rule, object, message } in told {
            self.warn(format!("{object}: {message} [{rule}]"));
        }
    }

    /// All of it, but for narration.
    pub fn joined(self) -> String {
        let pieces = self.pieces.into_iter().filter_map(|piece| match piece {
            Piece::Product(text) => Some(text),
            Piece::Warning(text) => Some(format!("warning: {text}\n")),
            Piece::Narration(_) => None,
        });
        pieces.collect()
    }

    /// The product alone, as it goes into a file.
    pub fn into_product(self) -> String {
        let products = self.pieces.into_iter().filter_map(|piece| match piece {
            Piece::Product(text) => Some(text),
            Piece::Narration(_) | Piece::Warning(_) => None,
        });
        products.collect()
    }
}

/// A text that is the same in every format: completions, man pages, what a watch has shown already.
#[derive(Debug)]
pub struct Page {
    /// The text.
    pub text: String,
    /// What the command came to.
    pub outcome: Outcome,
}

impl Default for Page {
    fn default() -> Self {
        Page { text: String::new(), outcome: Outcome::Done }
    }
}

impl Page {
    /// As a command's report.
    pub fn report(text: impl Into<String>) -> Result<Box<dyn Report>> {
        Ok(Box::new(Page { text: text.into(), ..Page::default() }))
    }
}

impl Report for Page {
    fn outcome(&self) -> Outcome {
        self.outcome
    }

    fn json(&self, _: Head) -> String {
        self.text.clone()
    }

    fn text(&self, _: &Style) -> Text {
        Text::of(self.text.clone())
    }
}
