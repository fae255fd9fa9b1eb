//! What planning a statement may reach, and whose it is. Planning calls functions: those that the
//! statement names, those in the expressions of indexes, constraints and policies, those of types,
//! operators and casts. Whoever owns one of them decides what it does, with the rights of whoever asks
//! for the plan, and nothing in the server shuts it in: from a superuser's session `RESET ROLE` leads
//! back to him, a read-only transaction may COPY to a program, end sessions and take advisory locks.
//! So a statement is planned only where all that it can reach belongs to superusers and to trusted roles.
//!
//! What a text names cannot be known without parsing it, and parsing calls functions of types. So
//! every word of it, wherever it stands, is taken for a name, and every schema in which a name can be
//! found has to be one into which no other role can put anything.

use std::collections::BTreeSet;

use crate::pg::row::Row;
use tokio_postgres::types::{ToSql, Type};

use super::Oid;
use super::load::ask;
use crate::failure::{Failure, Result};
use crate::pg::name::{NAME_MAX_BYTES, quote_ident, with_suffix};
use crate::pg::search_path::SearchPath;
use crate::pg::server_error::ServerError;
use crate::pg::session::{Answer, Session};

/// What is done with statements, and so what of it runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Deed {
    /// They are planned.
    #[default]
    Planning,
    /// They are executed, and only read.
    Reading,
    /// They are executed, and may write, which fires triggers.
    Writing,
}

impl Deed {
    fn words(self) -> &'static str {
        match self {
            Deed::Planning => "planning",
            Deed::Reading | Deed::Writing => "executing",
        }
    }

    /// The option that names further roles to trust.
    fn option(self) -> &'static str {
        match self {
            Deed::Planning => "--explain-others",
            Deed::Reading | Deed::Writing => "--trust",
        }
    }
}

/// Whose code may run with the rights of this role, besides that of superusers.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    roles: Vec<Oid>,
    /// The schemas of the user's search path, in their order.
    path: Vec<String>,
    deed: Deed,
}

impl Trust {
    /// The role itself and those that the user names.
    ///
    /// # Errors
    /// `Usage` where there is no such role; those of the connection and of the query.
    pub async fn load(
        session: &Session,
        path: &SearchPath,
        named: &[String],
        deed: Deed,
    ) -> Result<Trust> {
        let sql = include_str!("../../sql/catalog/explain_trust.sql");
        let rows = ask(session, sql, &[(&named, Type::TEXT_ARRAY)]).await?;
        let is_there =
            |name: &&String| rows.iter().any(|row| row.get::<_, &str>("name") == name.as_str());
        if let Some(name) = named.iter().find(|name| !is_there(name)) {
            let option = deed.option();
            return Err(Failure::usage(format!("{option} {name}: there is no such role")));
        }
        let roles = rows.iter().map(|row| row.get("oid")).collect();
        Ok(Trust { roles, path: path.schemas.clone(), deed })
    }

    /// The search path in which their names are looked for, as a session sets it, and why it lacks a schema
    /// of the user's.
    ///
    /// # Errors
    /// Those of the query.
    pub async fn path(&self, session: &Session) -> Result<(String, Vec<String>)> {
        let answer = safe_path(session, "", self).await.map_err(ServerError::into_failure)?;
        Ok(answer.map_or_else(
            |why| ("SET search_path = ''".to_owned(), vec![why]),
            |path| (path.set("SET"), path.left_out),
        ))
    }

    /// What is done with the statements.
    pub fn deed(&self) -> Deed {
        self.deed
    }

    /// Whether the role is one of them.
    pub fn includes(&self, role: Oid) -> bool {
        self.roles.contains(&role)
    }
}

/// Where the names of a statement are to be looked for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SafePath {
    /// The search path, as far as it is safe.
    schemas: Vec<String>,
    /// These, and those that the text may name.
    pub(super) reachable: Vec<String>,
    /// Why the others are left out.
    pub(super) left_out: Vec<String>,
}

impl SafePath {
    /// Sets it until the transaction ends.
    pub(super) fn set_local(&self) -> String {
        self.set("SET LOCAL")
    }

    fn set(&self, how: &str) -> String {
        let schemas = self.schemas.iter().map(|schema| quote_ident(schema)).collect::<Vec<_>>();
        match schemas.is_empty() {
            true => format!("{how} search_path = ''"),
            false => format!("{how} search_path = {}", schemas.join(", ")),
        }
    }
}

/// The path, or why the statement is not to be parsed.
pub(super) async fn safe_path(
    session: &Session,
    query: &str,
    trust: &Trust,
) -> Answer<std::result::Result<SafePath, String>> {
    if has_escaped_names(query) {
        return Ok(Err("it has names with Unicode escapes, which are not looked into".to_owned()));
    }
    let sql = include_str!("../../sql/catalog/explain_schemas.sql");
    let words = words(query);
    let params: [(&(dyn ToSql + Sync), Type); 4] = [
        (&trust.path, Type::TEXT_ARRAY),
        (&words, Type::TEXT_ARRAY),
        (&query, Type::TEXT),
        (&trust.roles, Type::OID_ARRAY),
    ];
    let rows = session.query(sql, &params).await?;
    let (mut schemas, mut reachable, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
    for schema in rows.iter().map(ReachedSchema::read) {
        match schema.danger(trust.deed) {
            Some(danger) if schema.is_named => return Ok(Err(danger)),
            Some(danger) => {
                left_out.push(danger);
                continue;
            }
            None => reachable.push(schema.name.clone()),
        }
        schemas.extend(schema.is_in_path.then_some(schema.name));
    }
    Ok(Ok(SafePath { schemas, reachable, left_out }))
}

/// What the statement may reach of a role that is not trusted.
pub(super) async fn objection(
    session: &Session,
    query: &str,
    trust: &Trust,
    schemas: &[String],
) -> Answer<Option<String>> {
    let sql = include_str!("../../sql/catalog/explain_reach.sql");
    let words = words(query);
    let with_triggers = trust.deed == Deed::Writing;
    let params: [(&(dyn ToSql + Sync), Type); 5] = [
        (&schemas, Type::TEXT_ARRAY),
        (&words, Type::TEXT_ARRAY),
        (&query, Type::TEXT),
        (&trust.roles, Type::OID_ARRAY),
        (&with_triggers, Type::BOOL),
    ];
    let rows = session.query(sql, &params).await?;
    Ok(rows.first().map(|row| {
        let of = |column: &str| row.get::<_, String>(column);
        let (kind, object, owner) = (of("kind"), of("object"), of("owner"));
        format!(
            "it may reach the {kind} {object}, which belongs to {owner}; {}",
            way_out(&owner, trust.deed)
        )
    }))
}

/// It runs with the rights of this role what the other one wrote.
fn way_out(role: &str, deed: Deed) -> String {
    format!(
        "{} could run code of {role} with your rights: connect as {role}, or trust it with {} {}",
        deed.words(),
        deed.option(),
        quote_ident(role)
    )
}

/// Why nothing is done with a statement of a role that is not trusted.
pub fn foreign_text(role: &str, deed: Deed) -> String {
    format!("it is a statement of {role}; {}", way_out(role, deed))
}

struct ReachedSchema {
    name: String,
    is_in_path: bool,
    is_named: bool,
    owner: Option<String>,
    creator: Option<String>,
    all_may_create: bool,
    object: Option<(String, String, String)>,
}

impl ReachedSchema {
    fn read(row: &Row) -> Self {
        let object = row.get::<_, Option<String>>("kind").map(|kind| {
            let of = |column: &str| row.get::<_, Option<String>>(column).unwrap_or_default();
            (kind, of("object"), of("object_owner"))
        });
        ReachedSchema {
            name: row.get("name"),
            is_in_path: row.get::<_, Option<i32>>("place").is_some(),
            is_named: row.get("is_named"),
            owner: row.get("owner"),
            creator: row.get("creator"),
            all_may_create: row.get("all_may_create"),
            object,
        }
    }

    /// How a role that is not trusted can have code in it.
    fn danger(&self, deed: Deed) -> Option<String> {
        let name = quote_ident(&self.name);
        if let Some(owner) = &self.owner {
            let danger =
                format!("it may name objects in the schema {name}, which belongs to {owner}");
            return Some(format!("{danger}; {}", way_out(owner, deed)));
        }
        if let Some(creator) = &self.creator {
            let (who, from) = match self.all_may_create {
                true => ("every role".to_owned(), "PUBLIC".to_owned()),
                false => (creator.clone(), quote_ident(creator)),
            };
            return Some(format!(
                "its names are looked for in the schema {name}, where {who} may create functions that \
                 {} would run with your rights (REVOKE CREATE ON SCHEMA {name} FROM {from};)",
                deed.words()
            ));
        }
        let (kind, object, owner) = self.object.as_ref()?;
        Some(format!(
            "its names are looked for in the schema {name}, where the {kind} {object} belongs to \
             {owner}; {}",
            way_out(owner, deed)
        ))
    }
}

/// Whatever may be a name: runs of the characters of identifiers, also within strings and comments,
/// as they stand, in lower case, and cut as the server cuts them. Names with other characters are
/// looked for in the text by the server.
pub(super) fn words(query: &str) -> Vec<String> {
    let is_of_word =
        |char: char| char.is_ascii_alphanumeric() || "_$".contains(char) || !char.is_ascii();
    let mut words = BTreeSet::new();
    for run in query.split(|char| !is_of_word(char)).filter(|run| !run.is_empty()) {
        // `1or`: before 15 a number may end where a word begins.
        for word in [run, run.trim_start_matches(|char: char| char.is_ascii_digit())] {
            for word in [word.to_owned(), word.to_ascii_lowercase(), word.to_lowercase()] {
                words.insert(if word.len() > NAME_MAX_BYTES {
                    with_suffix(&word, "")
                } else {
                    word
                });
            }
        }
    }
    words.remove("");
    words.into_iter().collect()
}

/// `U&"d\0061t\+000061"`.
fn has_escaped_names(query: &str) -> bool {
    let mut rest = query;
    while let Some((before, after)) = rest.split_once("&\"") {
        if before.ends_with(['u', 'U']) {
            return true;
        }
        rest = after;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_may_be_a_name() {
        let all =
            words("SELECT Größe, \"We;ird\".\"Sa\"\"les\" /* note */ FROM t_1 WHERE 1or b = 'x'");
        for word in ["größe", "Größe", "We", "ird", "weird", "note", "t_1", "or", "x", "les"] {
            assert_eq!(all.contains(&word.to_owned()), word != "weird", "{word}: {all:?}");
        }
        let long = "x".repeat(80);
        assert!(words(&long).contains(&"x".repeat(63)));
    }

    #[test]
    fn escaped_names_are_seen() {
        assert!(has_escaped_names("SELECT U&\"\\0061\""));
        assert!(has_escaped_names("SELECT a&\"b\", u&\"\\0061\""));
        assert!(!has_escaped_names("SELECT a &\"b\" FROM t"));
    }

    #[test]
    fn a_schema_is_dangerous_where_others_may_put_code() {
        let safe = ReachedSchema {
            name: "app".to_owned(),
            is_in_path: true,
            is_named: false,
            owner: None,
            creator: None,
            all_may_create: false,
            object: None,
        };
        assert_eq!(safe.danger(Deed::Planning), None);
        let mallory = || Some("mallory".to_owned());
        let open = ReachedSchema { creator: mallory(), all_may_create: true, ..safe };
        let danger = open.danger(Deed::Planning).unwrap();
        assert!(danger.contains("REVOKE CREATE ON SCHEMA app FROM PUBLIC;"), "{danger}");
        let hers = ReachedSchema { creator: None, owner: mallory(), ..open };
        assert!(hers.danger(Deed::Planning).unwrap().contains("--explain-others mallory"));
        let object = ("operator".to_owned(), "=".to_owned(), "mallory".to_owned());
        let held = ReachedSchema { owner: None, object: Some(object), ..hers };
        assert!(
            held.danger(Deed::Planning)
                .unwrap()
                .contains("the operator = belongs to mallory")
        );
    }
}
