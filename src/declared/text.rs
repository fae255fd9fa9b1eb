//! SQL text out of syntax trees.

use squawk_syntax::{SyntaxKind, SyntaxNode, SyntaxToken};

/// The first token of the node that is neither white space nor a comment.
pub fn first_token(node: &SyntaxNode) -> Option<SyntaxToken> {
    tokens(node).find(|token| !is_trivia(token))
}

/// The last token of the node that is neither white space nor a comment.
pub fn last_token(node: &SyntaxNode) -> Option<SyntaxToken> {
    tokens(node).filter(|token| !is_trivia(token)).last()
}

/// The text of the nodes on one line: comments left out, white space folded.
pub fn compact(nodes: &[SyntaxNode]) -> String {
    let mut text = String::new();
    for node in nodes {
        let mut last: Option<SyntaxToken> = None;
        let mut gap = !text.is_empty();
        for token in tokens(node) {
            if is_trivia(&token) {
                gap = true;
                continue;
            }
            if gap && !text.is_empty() {
                text.push(gap_between(last.as_ref(), &token));
            }
            gap = false;
            text.push_str(token.text());
            last = Some(token);
        }
    }
    text
}

/// The node's text as written, without what surrounds it.
pub fn verbatim(node: &SyntaxNode) -> String {
    let start = first_token(node).map(|token| token.text_range().start());
    match (start, last_token(node)) {
        (Some(start), Some(last)) => {
            let offset = node.text_range().start();
            let end = last.text_range().end();
            node.text().slice(start - offset..end - offset).to_string()
        }
        _ => String::new(),
    }
}

/// Strings that follow each other are one string only across a line break (PostgreSQL
/// documentation, 4.1.2.1), so there the break is kept.
fn gap_between(last: Option<&SyntaxToken>, next: &SyntaxToken) -> char {
    let both_strings = next.kind() == SyntaxKind::STRING
        && last.is_some_and(|last| {
            matches!(
                last.kind(),
                SyntaxKind::STRING | SyntaxKind::ESC_STRING | SyntaxKind::UNICODE_ESC_STRING
            )
        });
    if both_strings { '\n' } else { ' ' }
}

fn tokens(node: &SyntaxNode) -> impl Iterator<Item = SyntaxToken> {
    node.descendants_with_tokens().filter_map(|element| element.into_token())
}

fn is_trivia(token: &SyntaxToken) -> bool {
    matches!(token.kind(), SyntaxKind::WHITESPACE | SyntaxKind::COMMENT)
}
