//! The tools, one file each: by what a folder is known as the tool's, which files it takes in which
//! order, what it sends, and what it puts back between two migrations. All by the tools' own sources.

mod atlas;
mod dbmate;
mod diesel;
mod drizzle;
mod flyway;
mod golang_migrate;
mod goose;
mod graphile_migrate;
mod hasura;
mod liquibase;
mod micrate;
mod node_pg_migrate;
mod plain;
mod prisma;
mod rambler;
mod refinery;
mod shmig;
mod sqitch;
mod sql_migrate;
mod sqlx;
mod supabase;
mod tern;

use super::listing::FileListing;
use super::order::CandidateFile;
use super::pair::Pair;
use super::{Asked, Migration, Script, Wrapping, files, unknown};
use crate::failure::{Failure, Result};

/// How a tool lays out its migrations; decides their order and how they are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Layout {
    /// Prisma: NAME/migration.sql
    Prisma,
    /// sqlx: VERSION_name.sql, or .up.sql and .down.sql
    Sqlx,
    /// diesel: NAME/up.sql and NAME/down.sql
    Diesel,
    /// Flyway: V1__name.sql, U1__name.sql, R__name.sql
    Flyway,
    /// refinery: V1__name.sql, U1__name.sql
    Refinery,
    /// dbmate: sections `-- migrate:up` and `-- migrate:down`
    Dbmate,
    /// goose: sections `-- +goose Up` and `-- +goose Down`
    Goose,
    /// sql-migrate: sections `-- +migrate Up` and `-- +migrate Down`
    SqlMigrate,
    /// golang-migrate: VERSION_name.up.sql and VERSION_name.down.sql
    GolangMigrate,
    /// Drizzle: meta/_journal.json, `--> statement-breakpoint`
    Drizzle,
    /// node-pg-migrate: sections `-- Up Migration` and `-- Down Migration`
    NodePgMigrate,
    /// tern: `---- create above / drop below ----`
    Tern,
    /// micrate: sections `-- +micrate Up` and `-- +micrate Down`
    Micrate,
    /// rambler: sections `-- rambler up` and `-- rambler down`
    Rambler,
    /// shmig: sections `-- ====  UP  ====` and `-- ==== DOWN ====`
    Shmig,
    /// graphile-migrate: committed/000001.sql
    GraphileMigrate,
    /// Sqitch: sqitch.plan, deploy/, revert/
    Sqitch,
    /// Atlas: atlas.sum
    Atlas,
    /// Liquibase: formatted SQL with changesets
    Liquibase,
    /// Supabase: supabase/migrations/TIMESTAMP_name.sql
    Supabase,
    /// Hasura: DATABASE/TIMESTAMP_name/up.sql and down.sql
    Hasura,
    /// Numbered or named files, run as `psql -f` would, each statement by itself
    Plain,
}

/// What a tool does to its session before each migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Between {
    /// Nothing: what one migration sets the next one finds.
    Nothing,
    /// It gives the role and the search path back that the session began with.
    RoleAndPath,
    ResetAll,
    /// A session of its own.
    NewSession,
}

/// Which transactions a tool makes of its migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transactions {
    /// As each script says.
    Each,
    /// One for all that are run; each script says whether it breaks out of it.
    OneForAll,
}

/// How sure it is that a folder is a tool's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// Nothing else looks like this.
    Sure,
    /// Others' folders may look the same.
    Likely,
}

/// What is known of a tool.
pub(super) struct Tool {
    pub layout: Layout,
    /// As its users write it.
    pub name: &'static str,
    /// Whether the folder is its.
    pub knows: fn(&FileListing) -> Option<Sign>,
    /// Its files.
    pub order: fn(&FileListing) -> Result<Vec<CandidateFile>>,
    /// From files to what is sent.
    pub read: fn(&Pair, &mut ToolReader<'_>) -> Result<Vec<Migration>>,
    pub between: Between,
    pub transactions: Transactions,
}

/// All of them, in the order in which a folder is held against them: first those that leave something
/// of their own in it.
const TOOLS: [&Tool; 22] = [
    &drizzle::TOOL,
    &atlas::TOOL,
    &sqitch::TOOL,
    &prisma::TOOL,
    &hasura::TOOL,
    &diesel::TOOL,
    &liquibase::TOOL,
    &goose::TOOL,
    &sql_migrate::TOOL,
    &dbmate::TOOL,
    &micrate::TOOL,
    &rambler::TOOL,
    &shmig::TOOL,
    &graphile_migrate::TOOL,
    &tern::TOOL,
    &node_pg_migrate::TOOL,
    &refinery::TOOL,
    &flyway::TOOL,
    &supabase::TOOL,
    &sqlx::TOOL,
    &golang_migrate::TOOL,
    &plain::TOOL,
];

impl Layout {
    fn facts(self) -> &'static Tool {
        TOOLS.into_iter().find(|tool| tool.layout == self).unwrap_or(&plain::TOOL)
    }

    /// The tool's name as its users write it.
    pub fn tool(self) -> &'static str {
        self.facts().name
    }

    /// What it does to its session before each migration.
    pub fn between(self) -> Between {
        self.facts().between
    }

    /// Which transactions it makes.
    pub fn transactions(self) -> Transactions {
        self.facts().transactions
    }
}

/// The tool whose folder it is, and whether that is a guess.
///
/// # Errors
/// `Declaration` where nothing is known that looks like the files, and yet they have sections.
pub(super) fn of(listing: &FileListing, asked: Option<Layout>) -> Result<(&'static Tool, bool)> {
    if let Some(layout) = asked {
        return Ok((layout.facts(), false));
    }
    for tool in TOOLS {
        if let Some(sign) = (tool.knows)(listing) {
            unknown::refuse_sections(listing, tool)?;
            return Ok((tool, sign == Sign::Likely));
        }
    }
    Err(Failure::usage("the layout is not known").hint("name it with --layout"))
}

/// What the tools read with, and what there is to say besides.
pub(super) struct ToolReader<'a> {
    pub asked: &'a Asked,
    pub warnings: Vec<String>,
}

/// A migration whose files are sent as they are.
pub(super) fn whole(
    pair: &Pair,
    mut script: impl FnMut(&std::path::Path, String) -> Result<Script>,
) -> Result<Vec<Migration>> {
    let up = script(&pair.up, files::read_text(&pair.up)?)?;
    let down = match &pair.down {
        Some(file) => Some(script(file, files::read_text(file)?)?),
        None => None,
    };
    Ok(vec![Migration { name: pair.name.clone(), up, down }])
}

/// The same, all sent in one way.
pub(super) fn all(pair: &Pair, wrapping: Wrapping) -> Result<Vec<Migration>> {
    whole(pair, |file, text| Ok(Script::new(file, 1, text, wrapping)))
}

/// `Sure` where it holds.
fn sure(holds: bool) -> Option<Sign> {
    holds.then_some(Sign::Sure)
}
