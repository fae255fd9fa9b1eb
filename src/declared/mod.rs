//! What the user's files, SQL and Prisma schemas, declare: indexes, materialized views, comments on them, and the
//! ANALYZE and VACUUM that belong to them, each with the place where it stands.
//!
//! Ordinary SQL is the declaration; whether a statement says CONCURRENTLY or IF NOT EXISTS does
//! not matter, because how to build is decided by pgtend.

pub mod changed;
mod check;
mod definition;
mod files;
mod grouping;
mod in_schema;
pub mod migrations;
mod parse;
mod passed;
mod prisma;
pub mod psql;
mod reading;
mod settings;
mod statement;
pub mod text;
mod transactions;
mod walk;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::pg::name::RelationName;
use crate::warning::Warning;

pub use files::{SqlFile, unreadable};
pub use grouping::grouping_columns;
pub use parse::{Declared, Others, declared, path_name, relation_name, table_name};
pub use passed::Passed;
pub use reading::{load, understand};

/// Where something stands in the user's files, a statement where its first word does.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Source {
    /// The file as the user named it.
    pub file: Arc<Path>,
    /// The line, from 1.
    pub line: u32,
    /// The character in the line, from 1.
    pub column: u32,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// Everything that the files declare, in the order of the files.
#[derive(Debug, Clone, Default)]
pub struct Declaration {
    /// CREATE INDEX.
    pub indexes: Vec<DeclaredIndex>,
    /// CREATE MATERIALIZED VIEW.
    pub views: Vec<DeclaredView>,
    /// COMMENT ON INDEX and COMMENT ON MATERIALIZED VIEW.
    pub comments: Vec<DeclaredComment>,
    /// ANALYZE and VACUUM, one a table.
    pub maintenance: Vec<DeclaredMaintenance>,
    /// The search path that the files set for their names; `None`: that of the session.
    pub search_path: Option<DeclaredPath>,
    /// What was passed over or said twice: `ignored_statement`, `declared_twice`, `taken_back`,
    /// `not_followed`, `name_cut`, `not_on_postgresql`.
    pub warnings: Vec<Warning>,
}

impl Declaration {
    /// Whether nothing at all is declared.
    pub fn is_empty(&self) -> bool {
        self.indexes.is_empty()
            && self.views.is_empty()
            && self.comments.is_empty()
            && self.maintenance.is_empty()
    }
}

/// A search path that the files set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredPath {
    /// As the setting holds it.
    pub text: String,
    /// Where it is set.
    pub source: Source,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredIndex {
    /// The name, or `None` where the server would choose one.
    pub name: Option<String>,
    /// The table or materialized view as written.
    pub table: RelationName,
    pub unique: bool,
    /// All that follows the table's name: method, columns, INCLUDE, WITH, predicate.
    pub definition: String,
    /// Whether only plain columns are indexed and there is no predicate. Other concurrent builds
    /// need not wait for such a build (PostgreSQL 14, commit d9d076222f5b).
    pub plain: bool,
    /// Whether a method other than the default btree is named.
    pub method: Option<String>,
    /// TABLESPACE, where one is named.
    pub tablespace: Option<String>,
    /// The indexed columns' names, `None` for an expression.
    pub columns: Vec<Option<String>>,
    /// The declared indexes of the table's partitions that are parts of it, with names resolved. The
    /// planner finds them: the files' text does not say whether they are equal.
    pub parts: Vec<DeclaredIndex>,
    pub origin: DeclarationLanguage,
    pub source: Source,
}

/// In which language something is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeclarationLanguage {
    Sql,
    /// A Prisma schema. Its names follow from a rule, so that an equal index under another name is
    /// the declared one.
    Prisma,
}

/// A declared materialized view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredView {
    /// The name as written.
    pub name: RelationName,
    /// The parenthesised column list, or empty.
    pub columns: String,
    /// USING, WITH and TABLESPACE clauses, or empty.
    pub storage: String,
    /// The query as written.
    pub query: String,
    /// False where WITH NO DATA is declared.
    pub with_data: bool,
    pub source: Source,
}

/// What a declared comment is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommentOn {
    /// COMMENT ON INDEX.
    Index,
    /// COMMENT ON MATERIALIZED VIEW.
    View,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredComment {
    /// The kind of object.
    pub on: CommentOn,
    /// The object as written.
    pub name: RelationName,
    /// The text, or `None` where the comment is to be removed.
    pub text: Option<String>,
    pub source: Source,
}

/// ANALYZE or VACUUM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaintenanceKind {
    Analyze,
    /// VACUUM, with or without ANALYZE.
    Vacuum,
}

impl MaintenanceKind {
    /// The SQL keyword.
    pub fn keyword(self) -> &'static str {
        match self {
            MaintenanceKind::Analyze => "ANALYZE",
            MaintenanceKind::Vacuum => "VACUUM",
        }
    }
}

/// A declared ANALYZE or VACUUM of one table, or of the whole database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredMaintenance {
    /// Which of the two.
    pub kind: MaintenanceKind,
    /// The options in upper case, as they would stand in parentheses.
    pub options: Vec<String>,
    /// The table as written, or `None` for the whole database.
    pub table: Option<RelationName>,
    /// The parenthesised column list, or empty.
    pub columns: String,
    pub source: Source,
}

impl DeclaredMaintenance {
    /// Whether the table's statistics are collected.
    pub fn analyzes(&self) -> bool {
        self.kind == MaintenanceKind::Analyze || self.has_option("ANALYZE")
    }

    fn has_option(&self, name: &str) -> bool {
        self.options
            .iter()
            .any(|option| option == name || option == &format!("{name} TRUE"))
    }
}

#[cfg(test)]
mod tests;
