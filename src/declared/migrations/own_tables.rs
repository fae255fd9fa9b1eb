//! The tables in which the tools keep what they have run. Migrations delete from them, alter them
//! or give them triggers, so they have to be there; empty ones do.

use super::Layout;

/// A table of a tool's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnTable {
    pub name: &'static str,
    /// Makes it unless it is there.
    pub create: &'static str,
}

macro_rules! own_table {
    ($name:literal, $file:literal) => {
        OwnTable {
            name: $name,
            create: include_str!(concat!("../../../sql/tools/", $file)),
        }
    };
}

impl Layout {
    /// The tool's own tables. Two tools lay out their files as Flyway does.
    pub fn own_tables(self) -> &'static [OwnTable] {
        match self {
            Layout::Prisma => &[own_table!("_prisma_migrations", "prisma.sql")],
            Layout::Sqlx => &[own_table!("_sqlx_migrations", "sqlx.sql")],
            Layout::Diesel => &[own_table!("__diesel_schema_migrations", "diesel.sql")],
            Layout::Flyway => &[
                own_table!("flyway_schema_history", "flyway.sql"),
                own_table!("refinery_schema_history", "refinery.sql"),
            ],
            Layout::Dbmate => &[own_table!("schema_migrations", "dbmate.sql")],
            Layout::Goose => &[own_table!("goose_db_version", "goose.sql")],
            Layout::SqlMigrate => &[own_table!("gorp_migrations", "sql_migrate.sql")],
            Layout::GolangMigrate => &[own_table!("schema_migrations", "golang_migrate.sql")],
            Layout::Refinery => &[own_table!("refinery_schema_history", "refinery.sql")],
            _ => &[],
        }
    }
}
