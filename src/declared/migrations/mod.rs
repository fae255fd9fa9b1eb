//! The migration folders of the common tools: which files are migrations, in which order their
//! tool would run them, and how it would send them.
//!
//! Only files are read here. What a script does to a database is for its reader to find out.

mod arrange;
mod discover;
mod extensions;
mod foreign;
mod lines;
mod own_tables;
mod pair;
mod recognise;
mod role;
mod sections;
mod statements;
mod version;
mod wrapping;

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::files;
use crate::failure::{Failure, Kind, Result};

pub use extensions::{AboutExtensions, about_extensions};
pub use foreign::code_migrations;
pub use lines::Lines;
pub use own_tables::OwnTable;
pub use role::Role;
pub use statements::{Statement, SyntaxError, parse, statements, without_cluster_objects};

/// How a tool lays out its migrations; decides their order and how they are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Layout {
    /// Prisma: NAME/migration.sql
    Prisma,
    /// sqlx: VERSION_name.sql, or .up.sql and .down.sql
    Sqlx,
    /// diesel: NAME/up.sql and NAME/down.sql
    Diesel,
    /// Flyway and refinery: V1__name.sql, U1__name.sql, R__name.sql
    Flyway,
    /// dbmate: sections `-- migrate:up` and `-- migrate:down`
    Dbmate,
    /// goose: sections `-- +goose Up` and `-- +goose Down`
    Goose,
    /// sql-migrate: sections `-- +migrate Up` and `-- +migrate Down`
    SqlMigrate,
    /// golang-migrate: VERSION_name.up.sql and VERSION_name.down.sql
    GolangMigrate,
    /// Numbered or named files, run as `psql -f` would, each statement by itself
    Plain,
}

impl Layout {
    /// The tool's name as its users write it.
    pub fn tool(self) -> &'static str {
        match self {
            Layout::Prisma => "Prisma",
            Layout::Sqlx => "sqlx",
            Layout::Diesel => "diesel",
            Layout::Flyway => "Flyway",
            Layout::Dbmate => "dbmate",
            Layout::Goose => "goose",
            Layout::SqlMigrate => "sql-migrate",
            Layout::GolangMigrate => "golang-migrate",
            Layout::Plain => "plain files",
        }
    }
}

/// One migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// What the tool's users call it: the name of the file or of the folder that it stands in.
    pub name: String,
    /// What applies it.
    pub up: Script,
    /// What takes it back, where the tool knows such scripts and there is one.
    pub down: Option<Script>,
}

/// SQL that is run in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The file as the user named it or as it was found below a folder that the user named.
    pub file: PathBuf,
    /// The line of the file at which `text` begins, from 1: sections begin below their marker.
    pub first_line: u32,
    /// The text, without a byte order mark; may be empty or hold comments alone.
    pub text: String,
    /// How the tool sends it.
    pub wrapping: Wrapping,
}

impl Script {
    /// The script with blanks where these bytes are, which stand in their order: as many characters
    /// on as many lines, so that all else stands where it stood.
    #[must_use]
    pub fn without(&self, ranges: impl IntoIterator<Item = Range<usize>>) -> Script {
        let mut text = String::with_capacity(self.text.len());
        let mut done = 0;
        for range in ranges {
            text.push_str(&self.text[done..range.start]);
            done = range.end;
            let blanks = self.text[range].chars().map(|char| if char == '\n' { '\n' } else { ' ' });
            text.extend(blanks);
        }
        text.push_str(&self.text[done..]);
        Script { text, ..self.clone() }
    }
}

/// How a tool sends a script to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wrapping {
    /// Between BEGIN and COMMIT.
    Transaction,
    /// Each statement by itself, outside any transaction.
    None,
    /// The whole text as one simple-query message: the server wraps several statements in an
    /// implicit transaction, a single statement stands outside any (PostgreSQL documentation,
    /// 55.2.2.1). This is also what sqlx, diesel and dbmate do when their transaction is
    /// switched off, so that two concurrent index builds in one such file fail.
    OneMessage,
}

/// Reads the migrations in the order in which their tool would run them. The layout is recognised
/// by the names and contents of the files unless it is given.
///
/// # Errors
/// `Usage` where a path is missing or holds no migration; `Declaration`, naming the file, where
/// one is not UTF-8, two have a version that the tool wants once, a section marker is missing or
/// a down script has no up script.
pub fn load<P: AsRef<Path>>(
    paths: &[P],
    layout: Option<Layout>,
) -> Result<(Layout, Vec<Migration>)> {
    let listing = discover::list(paths)?;
    let layout = match layout {
        Some(layout) => layout,
        None => recognise::layout(&listing)?,
    };
    let candidates = arrange::ordered(&listing, layout)?;
    let pairs = pair::pairs(candidates, layout)?;
    let migrations = pairs.iter().map(|pair| read(pair, layout)).collect::<Result<Vec<_>>>()?;
    Ok((layout, migrations))
}

fn read(pair: &pair::Pair, layout: Layout) -> Result<Migration> {
    let text = files::read_text(&pair.up)?;
    if matches!(layout, Layout::Dbmate | Layout::Goose | Layout::SqlMigrate) {
        let (up, down) = sections::split(&pair.up, &text, layout)?;
        return Ok(Migration { name: pair.name.clone(), up, down });
    }
    let down = match &pair.down {
        Some(file) => Some(whole(file, files::read_text(file)?, layout)?),
        None => None,
    };
    Ok(Migration { name: pair.name.clone(), up: whole(&pair.up, text, layout)?, down })
}

fn whole(file: &Path, text: String, layout: Layout) -> Result<Script> {
    let wrapping = wrapping::of_file(file, &text, layout)?;
    Ok(Script { file: file.to_path_buf(), first_line: 1, text, wrapping })
}

fn invalid(file: &Path, message: impl std::fmt::Display) -> Failure {
    Failure::new(Kind::Declaration, format!("{}: {message}", file.display()))
}

#[cfg(test)]
mod tests;
