//! Whose code a query of pgtend's own would run that reads somebody's table. Planning it computes the
//! constant parts of the expressions of the table's indexes and constraints, with the rights of this role.

use tokio_postgres::types::Type;

use super::Oid;
use super::load::{ask, first};
use crate::failure::Result;
use crate::pg::server_error::INSUFFICIENT_PRIVILEGE;
use crate::pg::session::{Answer, Session};

/// Within a transaction: what is read from here on does not count as scans of the application's, where this role
/// may have it so.
pub const UNCOUNTED: &str = include_str!("../../sql/catalog/uncounted.sql");

/// Within a transaction: locks a table, named as SQL, against ALTER and DROP. A materialized view cannot be
/// locked by name; looking its name up in a query locks it as well, and nothing is planned or run for that.
///
/// # Errors
/// Those of the connection, and of waiting for the lock.
pub async fn lock_for_reading(
    session: &Session,
    table: &str,
    is_materialized_view: bool,
) -> Answer<()> {
    if is_materialized_view {
        let prepare = format!("PREPARE pgtend_lock AS SELECT FROM ONLY {table}");
        session.execute_all(&[&prepare, "DEALLOCATE pgtend_lock"]).await
    } else {
        session.execute(&format!("LOCK TABLE ONLY {table} IN ACCESS SHARE MODE")).await
    }
}

/// Within a transaction: locks a table, named as SQL, so that reading it by a query runs nobody's code with the
/// rights of this role. `Err`: why that cannot be had. Where the owner is neither a superuser nor this role, the
/// lock keeps him from making an index meanwhile; a standby cannot be locked so.
///
/// # Errors
/// Those of the connection, and of waiting for the lock.
pub async fn lock_for_planning(
    session: &Session,
    table: &str,
    oid: Oid,
) -> Result<std::result::Result<(), String>> {
    let found = look(session, oid).await?;
    if found.code.is_some() || found.is_trusted || found.is_in_recovery {
        return Ok(found.objection());
    }
    if found.is_materialized_view {
        return Ok(Err(
            "a query on it could run code of its owner with your rights: connect as the owner"
                .to_owned(),
        ));
    }
    let lock = format!("LOCK TABLE ONLY {table} IN SHARE UPDATE EXCLUSIVE MODE");
    match session.execute(&lock).await {
        Ok(()) => Ok(look(session, oid).await?.objection()),
        Err(error) if error.sqlstate.as_deref() == Some(INSUFFICIENT_PRIVILEGE) => Ok(Err(
            "a query on it could run code of its owner with your rights: connect as the owner, or as a role that \
             may lock it (MAINTAIN, or UPDATE before PostgreSQL 17)"
                .to_owned(),
        )),
        Err(error) => Err(error.into_failure()),
    }
}

#[derive(Debug, Clone, PartialEq)]
struct PlannedCode {
    is_trusted: bool,
    is_in_recovery: bool,
    /// It cannot be locked by name.
    is_materialized_view: bool,
    /// A function, and to whom it belongs.
    code: Option<(String, String)>,
}

impl PlannedCode {
    fn objection(self) -> std::result::Result<(), String> {
        match self.code {
            Some((object, owner)) => Err(format!(
                "a query on it would run {object} with your rights, which belongs to {owner}: connect as {owner}"
            )),
            None => Ok(()),
        }
    }
}

async fn look(session: &Session, oid: Oid) -> Result<PlannedCode> {
    let sql = include_str!("../../sql/catalog/planned_code.sql");
    let rows = ask(session, sql, &[(&oid, Type::OID)]).await?;
    let row = first(&rows)?;
    let object = row.get::<_, Option<String>>("object");
    Ok(PlannedCode {
        is_trusted: row.get("is_trusted"),
        is_in_recovery: row.get("is_in_recovery"),
        is_materialized_view: row.get("is_materialized_view"),
        code: object.zip(row.get::<_, Option<String>>("owner")),
    })
}
