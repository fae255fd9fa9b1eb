//! The user's `search_path`: it decides what the names in declarations and on the command line
//! mean. Every session of pgtend's own has an empty one, because with any other, whoever may
//! create operators and functions in one of its schemas decides what a query does
//! (CVE-2018-1058).

use super::name::{RelationName, quote_literal, with_suffix};

/// The schema that is looked in first where the path does not name it.
const CATALOG: &str = "pg_catalog";

/// A search path, as text and as what it comes to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SearchPath {
    /// As `SHOW search_path` prints it.
    pub text: String,
    /// Its schemas that exist and that the role may use, in their order.
    pub schemas: Vec<String>,
}

impl SearchPath {
    /// Where a new relation without schema goes.
    pub fn current_schema(&self) -> Option<&str> {
        self.schemas.first().map(String::as_str)
    }

    /// The schemas in which a relation without schema is looked for, in their order.
    pub fn searched(&self) -> Vec<&str> {
        let schemas = self.schemas.iter().map(String::as_str);
        let implicit = schemas.clone().all(|schema| schema != CATALOG).then_some(CATALOG);
        implicit.into_iter().chain(schemas).collect()
    }

    /// Sets it in a session.
    pub fn set(&self) -> String {
        set(&self.text, "false")
    }

    /// Sets it until the transaction ends.
    pub fn set_local(&self) -> String {
        set(&self.text, "true")
    }

    /// The name with the schema that a new relation of that name goes to.
    pub fn place(&self, name: &RelationName) -> RelationName {
        let schema = name.schema.clone().or_else(|| self.current_schema().map(str::to_owned));
        RelationName { schema, name: name.name.clone() }
    }
}

/// Sets the path of pgtend's own sessions until the transaction ends.
pub const SET_LOCAL_EMPTY: &str = "SET LOCAL search_path = ''";

/// Sets the path of pgtend's own sessions: that of their start-up options.
pub const RESET: &str = "RESET search_path";

/// A function, because not all that a path may hold can stand behind SET.
fn set(text: &str, is_local: &str) -> String {
    let text = quote_literal(text);
    format!("SELECT pg_catalog.set_config('search_path', {text}, {is_local})")
}

/// The names in a path as the server splits it (`SplitIdentifierString` in PostgreSQL's
/// `varlena.c`): with commas in between, in quotes or in lower case. It has been checked by the
/// server.
pub fn names(path: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = path.chars().peekable();
    while rest.peek().is_some() {
        let mut name = String::new();
        let mut is_quoted = false;
        let mut is_named = false;
        while let Some(char) = rest.next() {
            match char {
                '"' if is_quoted && rest.peek() == Some(&'"') => {
                    name.extend(rest.next());
                }
                '"' => {
                    is_quoted = !is_quoted;
                    is_named = true;
                }
                _ if is_quoted => name.push(char),
                ',' => break,
                _ if char.is_ascii_whitespace() => {}
                _ => name.push(char.to_ascii_lowercase()),
            }
        }
        if is_named || !name.is_empty() {
            names.push(with_suffix(&name, ""));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_split_as_the_server_does() {
        assert_eq!(names(""), [""; 0]);
        assert_eq!(names("\"\""), [""]);
        assert_eq!(names("\"$user\", public"), ["$user", "public"]);
        assert_eq!(
            names(" App ,\"My, \"\"Own\"\"\",\tpg_catalog"),
            ["app", "My, \"Own\"", "pg_catalog"]
        );
    }

    #[test]
    fn the_catalog_comes_first_where_it_is_not_named() {
        let path = |schemas: &[&str]| SearchPath {
            text: String::new(),
            schemas: schemas.iter().map(|&schema| schema.to_owned()).collect(),
        };
        assert_eq!(path(&[]).searched(), ["pg_catalog"]);
        assert_eq!(path(&["app"]).searched(), ["pg_catalog", "app"]);
        assert_eq!(path(&["app", "pg_catalog"]).searched(), ["app", "pg_catalog"]);
        assert_eq!(path(&[]).current_schema(), None);
        assert_eq!(path(&["app"]).current_schema(), Some("app"));
    }

    #[test]
    fn a_path_is_set_by_a_function_of_the_catalog() {
        let path = SearchPath { text: "\"it's\"".to_owned(), schemas: Vec::new() };
        let set = "SELECT pg_catalog.set_config('search_path', '\"it''s\"', false)";
        assert_eq!(path.set(), set);
    }
}
