//! Indexes that are given no name.

use squawk_syntax::ast::Stmt;

use crate::findings::{Finding, Rule};
use crate::jobs::verify::plan::parsed::ParsedScript;

/// A finding for each CREATE INDEX without a name.
pub fn check<'p>(parsed: &'p ParsedScript<'_>) -> impl Iterator<Item = Finding> + 'p {
    let unnamed = parsed.statements.iter().filter(
        |statement| matches!(statement, Stmt::CreateIndex(create) if create.index().is_none()),
    );
    unnamed.map(|statement| {
        let message = "the index has no name: the server chooses one, and run a second time the \
                       statement makes a second index";
        Finding::new(&Rule::UNNAMED_INDEX, Some(parsed.place_of(statement)), message).help(
            "give it a name, so that IF NOT EXISTS works and later migrations can refer to it",
        )
    })
}
