//! Names of relations with wildcards, as users of psql write them: `sales`, `crm.mv_*`,
//! `"We;ird"`.

use std::fmt;

use super::name::RelationName;

/// `*` and `?` stand for any characters and one; unquoted letters are folded to lower case; what
/// stands in double quotes is meant literally. Without a schema only what the search path finds
/// is meant.
#[derive(Debug, Clone)]
pub struct NamePattern {
    text: String,
    schema: Option<glob::Pattern>,
    name: glob::Pattern,
}

impl NamePattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<NamePattern, String> {
        let parts = parts(text)?;
        let pattern = |part: &str| glob::Pattern::new(part).map_err(|error| error.to_string());
        let (schema, name) = match &parts[..] {
            [name] => (None, name),
            [schema, name] => (Some(pattern(schema)?), name),
            _ => return Err("more than a schema and a name".to_owned()),
        };
        if parts.iter().any(String::is_empty) {
            return Err("a part of it is empty".to_owned());
        }
        Ok(NamePattern { text: text.to_owned(), schema, name: pattern(name)? })
    }

    /// Whether it says in which schemas.
    pub fn has_schema(&self) -> bool {
        self.schema.is_some()
    }

    /// Whether the relation is meant; `is_visible`: the search path finds it.
    pub fn matches(&self, relation: &RelationName, is_visible: bool) -> bool {
        let schema = relation.schema.as_deref().unwrap_or_default();
        let in_schema = self.schema.as_ref().map_or(is_visible, |pattern| pattern.matches(schema));
        in_schema && self.name.matches(&relation.name)
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The parts between dots, quotes taken away and what stood in them escaped.
fn parts(text: &str) -> Result<Vec<String>, String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    let mut chars = text.trim().chars().peekable();
    while let Some(c) = chars.next() {
        let part = parts.last_mut().ok_or("empty")?;
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                part.push('"');
            }
            '"' => quoted = !quoted,
            '.' if !quoted => parts.push(String::new()),
            _ if quoted => part.push_str(&glob::Pattern::escape(&c.to_string())),
            // Two stars mean no more than one, and the library has another meaning for them.
            '*' if part.ends_with('*') => {}
            '[' | ']' => part.push_str(&glob::Pattern::escape(&c.to_string())),
            _ => part.extend(c.to_lowercase()),
        }
    }
    if quoted {
        Err("a quote is not closed".to_owned())
    } else {
        Ok(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, schema: &str, name: &str) -> bool {
        let relation = RelationName::qualified(schema, name);
        NamePattern::parse(pattern).unwrap().matches(&relation, schema == "public")
    }

    #[test]
    fn a_name_without_schema_is_looked_for_in_the_search_path() {
        assert!(matches("daily", "public", "daily"));
        assert!(!matches("daily", "reports", "daily"));
        assert!(matches("reports.daily", "reports", "daily"));
        assert!(matches("*.daily", "reports", "daily"));
        assert!(matches("mv_*", "public", "mv_sales"));
        assert!(matches("mv_**", "public", "mv_sales"));
        assert!(matches("mv_?", "public", "mv_1"));
        assert!(!matches("mv_?", "public", "mv_10"));
    }

    #[test]
    fn quotes_are_as_in_sql() {
        assert!(matches("Daily", "public", "daily"));
        assert!(matches("\"Daily\"", "public", "Daily"));
        assert!(!matches("\"Daily\"", "public", "daily"));
        assert!(matches("\"We;ird.*\"", "public", "We;ird.*"));
        assert!(!matches("\"We;ird.*\"", "public", "We;ird.x"));
        assert!(matches("\"say \"\"hi\"\"\"", "public", "say \"hi\""));
        assert!(matches("\"My\".\"a\"*", "My", "ab"));
        assert!(matches("a[1]", "public", "a[1]"));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for wrong in ["", "a.", ".a", "a.b.c", "\"a"] {
            assert!(NamePattern::parse(wrong).is_err(), "{wrong}");
        }
    }
}
