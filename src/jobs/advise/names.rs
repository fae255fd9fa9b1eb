//! Names for advised indexes.

use crate::pg::name::with_suffix;
use crate::syntax::lexer::{TokenKind, tokens};

/// Words of a definition that name nothing.
const NOISE: [&str; 24] = [
    "and",
    "any",
    "asc",
    "brin",
    "btree",
    "char",
    "character",
    "desc",
    "first",
    "gin",
    "gist",
    "include",
    "is",
    "jsonb_path_ops",
    "last",
    "not",
    "null",
    "nulls",
    "or",
    "text",
    "text_pattern_ops",
    "using",
    "varying",
    "where",
];

/// `idx_<table>_<columns>`, as PostgreSQL cuts it, and as no other in `taken`.
pub fn index_name(table: &str, definition: &str, taken: &[String]) -> String {
    let mut is_type = false;
    let words = tokens(definition)
        .filter(|token| {
            let (was_type, word) = (is_type, token.text(definition));
            let is_name = matches!(token.kind, TokenKind::Word | TokenKind::QuotedName);
            is_type = word == "::" || (was_type && (word == "." || is_name));
            is_name && !was_type
        })
        .map(|token| token.text(definition).trim_matches('"').to_lowercase())
        .filter(|word| !NOISE.contains(&word.as_str()))
        .map(|word| word.replace(|char: char| !char.is_alphanumeric(), "_"));
    let mut parts = vec![format!("idx_{table}")];
    for word in words.take(4) {
        if !parts.contains(&word) {
            parts.push(word);
        }
    }
    let base = with_suffix(&parts.join("_"), "");
    let numbered = (2..).map(|number: u32| with_suffix(&base, &format!("_{number}")));
    let mut choices = std::iter::once(base.clone()).chain(numbered);
    choices.find(|name| !taken.contains(name)).unwrap_or(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_table_and_columns() {
        let taken = ["idx_sales_user_id".to_owned()];
        for (definition, name) in [
            ("(user_id, created_at DESC)", "idx_sales_user_id_created_at"),
            ("(user_id)", "idx_sales_user_id_2"),
            ("gin (payload jsonb_path_ops)", "idx_sales_payload"),
            ("(lower(email)) WHERE (deleted_at IS NULL)", "idx_sales_lower_email_deleted_at"),
            ("(id) WHERE (status = 'lost'::public.mood)", "idx_sales_id_status"),
        ] {
            assert_eq!(index_name("sales", definition, &taken), name);
        }
    }
}
