//! The statements of a script that are about extensions.

use std::ops::Range;

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{AstNode, CommentObject, Stmt};

use super::Script;
use crate::declared::text;
use crate::syntax;

/// A statement that creates, changes, comments on or drops extensions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AboutExtensions {
    /// The extensions' names; several only where they are dropped.
    pub names: Vec<String>,
    /// Whether it creates the extension.
    pub creates: bool,
    /// Where it stands in the script's text, without the semicolon that ends it.
    pub bytes: Range<usize>,
}

/// The script's statements about extensions; none where it cannot be parsed.
pub fn about_extensions(script: &Script) -> Vec<AboutExtensions> {
    // Most scripts are about none, and to look is cheaper than to parse.
    if !script.text.to_ascii_uppercase().contains("EXTENSION") {
        return Vec::new();
    }
    let Ok(parse) = syntax::parse(&script.text) else {
        return Vec::new();
    };
    if !parse.errors().is_empty() {
        return Vec::new();
    }
    parse.tree().stmts().filter_map(|statement| about(&statement)).collect()
}

fn about(statement: &Stmt) -> Option<AboutExtensions> {
    let (creates, names) = match statement {
        Stmt::CreateExtension(create) => (true, vec![name(create.extension()?.syntax())]),
        Stmt::AlterExtension(alter) => (false, vec![name(alter.extension_ref()?.syntax())]),
        Stmt::DropExtension(drop) => {
            (false, drop.extension_refs().map(|extension| name(extension.syntax())).collect())
        }
        Stmt::CommentOn(on) => match on.comment_object()? {
            CommentObject::ObjectExtension(object) => {
                (false, vec![name(object.extension_ref()?.syntax())])
            }
            _ => return None,
        },
        _ => return None,
    };
    Some(AboutExtensions { names, creates, bytes: bytes(statement.syntax())? })
}

/// As the server folds it.
fn name(node: &SyntaxNode) -> String {
    let text = text::verbatim(node);
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => text.to_ascii_lowercase(),
    }
}

fn bytes(statement: &SyntaxNode) -> Option<Range<usize>> {
    let start = usize::from(text::first_token(statement)?.text_range().start());
    let length = text::verbatim(statement).trim_end_matches(';').trim_end().len();
    Some(start..start + length)
}
