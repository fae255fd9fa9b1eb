//! Comments that suppress findings: `-- pgtend-ignore RULE, RULE: reason` and `pgtend-ignore-file`.

use squawk_syntax::ast::AstNode;
use squawk_syntax::{SyntaxKind, SyntaxToken};

use super::parsed::{ParsedScript, end, start};
use crate::declared::migrations::{Migration, Script};
use crate::findings::ignores::{Comment, IgnoreScope};
use crate::findings::{Directive, MARKER};

/// The comments of the migrations' scripts that parse.
pub fn of(migrations: &[Migration]) -> Vec<Comment> {
    let mut found = Vec::new();
    for migration in migrations {
        found.extend(read(&migration.up));
        let down = migration.down.iter().flat_map(read);
        found.extend(down.map(|comment| Comment { is_down: true, ..comment }));
    }
    found
}

fn read(script: &Script) -> Vec<Comment> {
    // Most scripts need not be looked through.
    if !script.text.contains(MARKER) {
        return Vec::new();
    }
    ParsedScript::new(script).map_or_else(Vec::new, |parsed| find(&parsed))
}

/// The comments of a script.
fn find(parsed: &ParsedScript<'_>) -> Vec<Comment> {
    let extents = parsed
        .statements
        .iter()
        .map(|one| (start(one.syntax()), end(one.syntax())))
        .collect::<Vec<_>>();
    let comments = comments(parsed);
    let found = comments.iter().enumerate().filter_map(|(at, token)| {
        let (Directive { rules, has_reason }, for_file) = directive(token.text())?;
        let scope = if for_file {
            IgnoreScope::File(parsed.script.file.clone())
        } else {
            let statement = belongs_to(parsed, &comments[at..], &extents);
            statement.map_or(IgnoreScope::Nothing, |extent| scope(parsed, extent))
        };
        let place = parsed.place(token.text_range().start().into());
        Some(Comment { rules, has_reason, scope, place, is_down: false })
    });
    found.collect()
}

fn comments(parsed: &ParsedScript<'_>) -> Vec<SyntaxToken> {
    let root = parsed.parse.syntax_node();
    let tokens = root.descendants_with_tokens().filter_map(|element| element.into_token());
    tokens.filter(|token| token.kind() == SyntaxKind::COMMENT).collect()
}

/// The statement in which the first of the comments stands or behind which, on its last line; else
/// the one that begins on the line after it, where only the other comments stand in between.
fn belongs_to(
    parsed: &ParsedScript<'_>,
    comments: &[SyntaxToken],
    extents: &[(usize, usize)],
) -> Option<(usize, usize)> {
    let range = comments.first()?.text_range();
    let (from, to) = (usize::from(range.start()), usize::from(range.end()));
    let after = extents.partition_point(|(start, _)| *start < from);
    let (before, next) = (after.checked_sub(1).map(|at| extents[at]), extents.get(after));
    if let Some((start, end)) = before
        && (from < end || parsed.line(end) == parsed.line(from))
    {
        return Some((start, end));
    }
    let (start, end) = *next?;
    let mut last = parsed.line(to);
    let ranges = comments[1..].iter().map(|comment| comment.text_range());
    for range in ranges.take_while(|range| usize::from(range.start()) < start) {
        if parsed.line(range.start().into()) <= last + 1 {
            last = parsed.line(range.end().into());
        }
    }
    (parsed.line(start) <= last + 1).then_some((start, end))
}

fn scope(parsed: &ParsedScript<'_>, (start, end): (usize, usize)) -> IgnoreScope {
    let at = |offset| {
        let at = parsed.place(offset).at;
        (at.line, at.column)
    };
    IgnoreScope::Statement {
        file: parsed.script.file.clone(),
        from: at(start),
        to: at(end),
    }
}

/// What a comment says, and whether for the whole file.
fn directive(comment: &str) -> Option<(Directive, bool)> {
    let line = comment.strip_prefix("--");
    let block = || comment.strip_prefix("/*")?.strip_suffix("*/");
    let text = line.or_else(block)?.trim().strip_prefix(MARKER)?;
    let (for_file, text) = match text.strip_prefix("-file") {
        Some(text) => (true, text),
        None => (false, text),
    };
    Some((Directive::read(text)?, for_file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(comment: &str) -> Option<(String, bool, bool)> {
        let (Directive { rules, has_reason }, for_file) = directive(comment)?;
        Some((rules.join("+"), has_reason, for_file))
    }

    #[test]
    fn a_comment_names_rules_and_a_reason() {
        let one = |rules: &str, reason, file| Some((rules.to_owned(), reason, file));
        assert_eq!(said("-- pgtend-ignore a: because"), one("a", true, false));
        assert_eq!(said("--pgtend-ignore a,b , c:because: x"), one("a+b+c", true, false));
        assert_eq!(said("/* pgtend-ignore a: why */"), one("a", true, false));
        assert_eq!(said("-- pgtend-ignore-file a: why\r"), one("a", true, true));
        assert_eq!(said("-- pgtend-ignore a"), one("a", false, false));
        assert_eq!(said("-- pgtend-ignore a: "), one("a", false, false));
        assert_eq!(said("-- pgtend-ignore a because"), one("a", false, false));
        assert_eq!(said("-- pgtend-ignore: because"), one("", true, false));
        assert_eq!(said("-- pgtend-ignore"), one("", false, false));
        for other in ["-- see pgtend-ignore a: b", "-- pgtend-ignored a: b", "-- squawk-ignore a"] {
            assert_eq!(said(other), None, "{other}");
        }
    }
}
