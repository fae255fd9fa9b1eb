//! pgtend's own schema: whether it is there, and whose it is.

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::load::ask;
use crate::failure::{Failure, Kind, Result};
use crate::pg::session::Session;

/// The version of the schema that this pgtend works with.
pub const CURRENT: i32 = 1;

/// Whether the history can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installed {
    /// It is not there; at most there is an empty schema of that name.
    Absent,
    /// It is there as this pgtend knows it, and may be read.
    Current,
    /// It is of this older version.
    Older(i32),
    /// It is of this newer version.
    Newer(i32),
    /// There is a schema of that name, but it is not pgtend's.
    Foreign,
    /// The role may not read it.
    Unusable,
}

/// What is known of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// There is a schema of that name.
    pub is_there: bool,
    /// Whose it is.
    pub owner: Option<String>,
    /// Nothing is in it.
    pub is_empty: bool,
    /// Those of pgtend's tables that are there.
    pub tables: Vec<String>,
    /// Its version table is pgtend's.
    pub is_ours: bool,
    /// CREATE on the database.
    pub may_create_in_database: bool,
    /// CREATE and USAGE on the schema.
    pub may_create_in_schema: bool,
    /// The tables belong to the role, or to a role that it is a member of.
    pub owned: bool,
    /// The role may read the tables.
    pub may_read: bool,
    /// The role may write without danger: who owns a table can let the writes of others run code,
    /// so a superuser writes only into tables of superusers.
    pub is_trusted: bool,
    /// Its version, where it may be read.
    pub version: Option<i32>,
    /// pgtend made the schema itself, too.
    pub made_schema: bool,
}

impl Schema {
    /// Whether the history can be used.
    pub fn installed(&self) -> Installed {
        match self.version {
            _ if !self.is_there || self.is_empty => Installed::Absent,
            _ if !self.is_ours => Installed::Foreign,
            _ if !self.may_read => Installed::Unusable,
            None => Installed::Foreign,
            Some(version) if version < CURRENT => Installed::Older(version),
            Some(version) if version > CURRENT => Installed::Newer(version),
            Some(_) => Installed::Current,
        }
    }

    /// The failure for a role that may not read the history.
    pub fn unreadable(&self) -> Failure {
        let owner = self.owner.as_deref().unwrap_or_default();
        Failure::new(Kind::Privilege, format!("only {owner} may use the schema pgtend"))
            .hint(format!("let {owner} run pgtend init --grant with the name of this role"))
    }
}

/// What is known of the schema. Works whatever stands there, and without any privilege.
///
/// # Errors
/// Those of the connection.
pub async fn load_schema(session: &Session) -> Result<Schema> {
    let rows = ask(session, include_str!("../../sql/catalog/schema.sql"), &[]).await?;
    rows.first()
        .map(read_schema)
        .ok_or_else(|| Failure::new(Kind::Server, "the catalog says nothing of the schema pgtend"))
}

/// Whether the history can be used.
///
/// # Errors
/// As [`load_schema`].
pub async fn load_installed(session: &Session) -> Result<Installed> {
    Ok(load_schema(session).await?.installed())
}

/// For each role whether it may write and read the history; `None` where there is no such role.
///
/// # Errors
/// As [`load_schema`].
pub async fn load_grants(session: &Session, roles: &[String]) -> Result<Vec<Option<bool>>> {
    if roles.is_empty() {
        return Ok(Vec::new());
    }
    let sql = include_str!("../../sql/catalog/schema_grants.sql");
    let rows = ask(session, sql, &[(&roles, Type::TEXT_ARRAY)]).await?;
    let granted = |row: &Row| row.get::<_, bool>("is_there").then(|| row.get("granted"));
    Ok(rows.iter().map(granted).collect())
}

/// What is in the schema, or depends on what is in it, besides the relations that are ours.
///
/// # Errors
/// As [`load_schema`].
pub async fn load_strangers(session: &Session, ours: &[&str]) -> Result<Vec<String>> {
    let sql = include_str!("../../sql/catalog/schema_strangers.sql");
    let rows = ask(session, sql, &[(&ours, Type::TEXT_ARRAY)]).await?;
    Ok(rows.iter().map(|row| row.get("stranger")).collect())
}

fn read_schema(row: &Row) -> Schema {
    Schema {
        is_there: row.get("is_there"),
        owner: row.get("owner"),
        is_empty: row.get("is_empty"),
        tables: row.get("tables"),
        is_ours: row.get("is_ours"),
        may_create_in_database: row.get("may_create_in_database"),
        may_create_in_schema: row.get("may_create_in_schema"),
        owned: row.get("owned"),
        may_read: row.get("may_read"),
        is_trusted: row.get("is_trusted"),
        version: row.get("version"),
        made_schema: row.get::<_, Option<bool>>("made_schema").unwrap_or(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_without_a_version_that_can_be_read_is_not_ours() {
        let ours = Schema {
            is_there: true,
            owner: Some("nova".to_owned()),
            is_empty: false,
            tables: Vec::new(),
            is_ours: true,
            may_create_in_database: false,
            may_create_in_schema: false,
            owned: false,
            may_read: true,
            is_trusted: true,
            version: Some(CURRENT),
            made_schema: true,
        };
        let installed = |change: fn(&mut Schema)| {
            let mut schema = ours.clone();
            change(&mut schema);
            schema.installed()
        };
        assert_eq!(installed(|_| ()), Installed::Current);
        assert_eq!(installed(|it| it.version = None), Installed::Foreign);
        assert_eq!(installed(|it| it.is_ours = false), Installed::Foreign);
        assert_eq!(installed(|it| it.is_empty = true), Installed::Absent);
        assert_eq!(installed(|it| it.may_read = false), Installed::Unusable);
        assert_eq!(installed(|it| it.version = Some(0)), Installed::Older(0));
        assert_eq!(installed(|it| it.version = Some(9)), Installed::Newer(9));
    }
}
