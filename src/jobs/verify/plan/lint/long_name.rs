//! Names of indexes that the server has cut off.

use std::collections::HashMap;

use squawk_linter::{Rule as Squawks, Violation};
use squawk_syntax::ast::{self, AstNode, NameLike, Stmt};

use crate::findings::{Finding, Place, Rule};
use crate::jobs::verify::plan::parsed::ParsedScript;
use crate::jobs::verify::plan::relations::{RelationStep, keyword};
use crate::pg::name::{NAME_MAX_BYTES, quote_ident, with_suffix};

/// `name_too_long` (PostgreSQL documentation, appendix A).
pub const NAME_TOO_LONG: &str = "42622";

/// squawk finds every identifier that is too long, and minds the comments that allow one. Where an
/// index bears it now, more is at stake and more can be said.
pub fn instead_of(
    parsed: &ParsedScript<'_>,
    violation: &Violation,
    steps: &HashMap<Place, &RelationStep>,
) -> Option<Finding> {
    if violation.code != Squawks::IdentifierTooLong {
        return None;
    }
    let offset = violation.text_range.start().into();
    let step = steps.get(&parsed.place_of(parsed.statement_at(offset)?))?;
    let root = parsed.parse.syntax_node();
    let name = root.covering_element(violation.text_range);
    let node = name.as_node().cloned().or_else(|| name.parent())?;
    let name = node.ancestors().find_map(ast::AnyName::cast)?.text();
    bears(step, &with_suffix(&name, "")).then(|| finding(parsed.place(offset), &name))
}

/// Those that stand in no statement that squawk reads, but in one that a function or DO has sent.
pub fn sent(step: &RelationStep, statement: Option<&Stmt>) -> Vec<Finding> {
    if !matches!(
        statement,
        None | Some(Stmt::Do(_) | Stmt::Select(_) | Stmt::Call(_) | Stmt::Execute(_))
    ) {
        return Vec::new();
    }
    let said = step.notices.iter().filter(|notice| notice.sqlstate == NAME_TOO_LONG);
    // identifier "…" will be truncated to "…"
    let names = said
        .filter_map(|notice| notice.message.split('"').nth(1))
        .filter(|name| bears(step, &with_suffix(name, "")));
    names.map(|name| finding(step.place.clone(), name)).collect()
}

/// Whether the statement has given an index that name.
fn bears(step: &RelationStep, name: &str) -> bool {
    let now = step.changes.made.iter().chain(&step.changes.changed);
    now.filter(|one| keyword(one.kind) == "INDEX").any(|index| index.name == name)
}

fn finding(place: Place, name: &str) -> Finding {
    let message = format!(
        "the name {} has {} bytes; the server cuts it to {}",
        quote_ident(name),
        name.len(),
        quote_ident(&with_suffix(name, "")),
    );
    let help = format!("write a name of at most {NAME_MAX_BYTES} bytes");
    Finding::new(&Rule::LONG_INDEX_NAME, Some(place), message).help(help)
}
