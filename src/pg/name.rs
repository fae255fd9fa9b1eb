//! Names of relations as PostgreSQL writes them: optional schema, quoting, the 63-byte limit.

use std::fmt;

/// The longest identifier in bytes: `NAMEDATALEN - 1` (PostgreSQL documentation, 4.1.1).
pub const NAME_MAX_BYTES: usize = 63;

/// A relation's name with or without its schema; prints as SQL, quoted where it has to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelationName {
    /// The schema, or `None` where the search path decides.
    pub schema: Option<String>,
    /// The name without quotes, case as the catalog holds it.
    pub name: String,
}

impl RelationName {
    /// A name with its schema.
    pub fn qualified(schema: impl Into<String>, name: impl Into<String>) -> Self {
        RelationName { schema: Some(schema.into()), name: name.into() }
    }

    /// A name that the search path resolves.
    pub fn unqualified(name: impl Into<String>) -> Self {
        RelationName { schema: None, name: name.into() }
    }

    /// The same schema with another name.
    #[must_use]
    pub fn sibling(&self, name: impl Into<String>) -> Self {
        RelationName { schema: self.schema.clone(), name: name.into() }
    }
}

impl fmt::Display for RelationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{}.", quote_ident(schema))?;
        }
        f.write_str(&quote_ident(&self.name))
    }
}

/// The identifier as SQL, in double quotes only where PostgreSQL needs them.
pub fn quote_ident(name: &str) -> String {
    if name.is_empty() {
        return String::from("\"\"");
    }
    squawk_syntax::quote::quote_ident(name)
}

/// The text as a string literal; the `E` form where it holds a backslash, so that the result does
/// not depend on `standard_conforming_strings`.
pub fn quote_literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') {
        format!("E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

/// `base` followed by `suffix`, with `base` cut at a character boundary so that the whole fits
/// into an identifier.
pub fn with_suffix(base: &str, suffix: &str) -> String {
    let mut end = base.len().min(NAME_MAX_BYTES.saturating_sub(suffix.len()));
    while !base.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{suffix}", &base[..end])
}

/// `base` followed by `suffix`; where that is too long for an identifier, with a hash of `base` in
/// between, so that names that begin alike do not become one. The same in every run.
pub fn distinct_with_suffix(base: &str, suffix: &str) -> String {
    if base.len() + suffix.len() <= NAME_MAX_BYTES {
        return format!("{base}{suffix}");
    }
    with_suffix(base, &format!("_{:08x}{suffix}", fnv1a(base.as_bytes())))
}

/// What REINDEX CONCURRENTLY calls the index beside this one: the new one until it is done, the old one
/// after.
pub fn rebuild_leftover_names(index: &str) -> Vec<String> {
    let suffixes = ["_ccnew", "_ccold"].into_iter().flat_map(|suffix| {
        let more = (1..10).map(move |number| format!("{suffix}{number}"));
        std::iter::once(suffix.to_owned()).chain(more)
    });
    suffixes.map(|suffix| with_suffix(index, &suffix)).collect()
}

/// FNV-1a: the standard library's hashes are not promised to be the same in the next version.
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_need_quotes_get_them() {
        assert_eq!(RelationName::qualified("public", "sales").to_string(), "public.sales");
        assert_eq!(RelationName::qualified("My", "We;ird").to_string(), "\"My\".\"We;ird\"");
        assert_eq!(RelationName::unqualified("say \"hi\"").to_string(), "\"say \"\"hi\"\"\"");
        assert_eq!(quote_ident("order"), "\"order\"");
        assert_eq!(quote_ident("1st"), "\"1st\"");
        assert_eq!(quote_ident(""), "\"\"");
    }

    #[test]
    fn literals_survive_quotes_and_backslashes() {
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_literal("a\\b'"), "E'a\\\\b'''");
    }

    #[test]
    fn a_suffixed_name_never_passes_the_limit_nor_splits_a_character() {
        let long = "é".repeat(40);
        let name = with_suffix(&long, "_pgtend_new");
        assert!(name.len() <= NAME_MAX_BYTES);
        assert!(name.ends_with("é_pgtend_new"));
        assert_eq!(with_suffix("short", "_new"), "short_new");
    }

    #[test]
    fn long_names_that_begin_alike_stay_apart() {
        let (one, other) = (format!("{}1", "x".repeat(62)), format!("{}2", "x".repeat(62)));
        let names = [&one, &other].map(|name| distinct_with_suffix(name, "_pgtend_new"));
        assert_ne!(names[0], names[1]);
        assert!(names.iter().all(|name| name.len() == NAME_MAX_BYTES));
        assert_eq!(distinct_with_suffix("short", "_new"), "short_new");
    }
}
