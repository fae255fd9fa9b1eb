//! Names of indexes that the server cuts off.

use squawk_linter::{Rule as Squawks, Violation};
use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode, NameLike};

use crate::findings::{Finding, Rule};
use crate::jobs::verify::plan::parsed::Parsed;
use crate::pg::name::{NAME_MAX_BYTES, quote_ident, with_suffix};

/// squawk finds every identifier that is too long, and minds the comments that allow one. Where it
/// names an index, more is at stake and more can be said.
pub fn instead_of(parsed: &Parsed<'_>, violation: &Violation) -> Option<Finding> {
    if violation.code != Squawks::IdentifierTooLong {
        return None;
    }
    let root = parsed.parse.syntax_node();
    let name = root.covering_element(violation.text_range);
    let node = name.as_node().cloned().or_else(|| name.parent())?;
    node.ancestors().find(names_an_index)?;
    let name = node.ancestors().find_map(ast::AnyName::cast)?.text();
    let message = format!(
        "the name {} has {} bytes; the server cuts it to {}",
        quote_ident(&name),
        name.len(),
        quote_ident(&with_suffix(&name, "")),
    );
    let place = parsed.place(violation.text_range.start().into());
    let help = format!("write a name of at most {NAME_MAX_BYTES} bytes");
    Some(Finding::new(&Rule::LONG_INDEX_NAME, Some(place), message).help(help))
}

/// The name in CREATE INDEX or after RENAME TO, or that of a constraint that has an index.
fn names_an_index(node: &SyntaxNode) -> bool {
    let constraint = || {
        let clause = ast::ConstraintNameClause::cast(node.clone())?;
        let constraint = clause.syntax().parent()?;
        let kinds = [
            ast::UniqueConstraint::can_cast,
            ast::PrimaryKeyConstraint::can_cast,
            ast::ExcludeConstraint::can_cast,
        ];
        kinds.iter().any(|is_kind| is_kind(constraint.kind())).then_some(())
    };
    ast::Index::can_cast(node.kind()) || constraint().is_some()
}
