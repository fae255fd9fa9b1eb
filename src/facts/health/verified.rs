//! Indexes that were read as a whole: whether what stands in them is in order, and what its table has.

use std::time::Duration;

use super::budget::Budget;
use super::{Health, Index, briefly};
use crate::facts::Unavailable;
use crate::facts::extensions::ExtensionFunction;
use crate::facts::known::Known;
use crate::failure::Result;
use crate::pg::database::Server;
use crate::pg::name::quote_ident;
use crate::pg::server_error::ServerError;
use crate::pg::session::Session;

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// That are in order.
    pub sound: usize,
    pub corrupt: Vec<CorruptIndex>,
    /// Why others were not read.
    pub unread: Option<Unavailable>,
}

/// A damaged index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorruptIndex {
    /// As the server quotes it.
    pub object: String,
    pub table_object: String,
    /// In the server's words.
    pub error: String,
}

const BT_INDEX_CHECK: ExtensionFunction = ExtensionFunction {
    extension: "amcheck",
    name: "bt_index_check",
    argument_types: "regclass, boolean",
};

/// Reads B-trees, the small ones first, until the time is spent.
///
/// # Errors
/// `Connection` where the connection is lost.
pub async fn load_verified(
    session: &Session,
    server: &Server,
    health: &Health,
    budget: Duration,
) -> Result<Known<Verified>> {
    let indexes = match health.indexes.seen() {
        Ok(indexes) => indexes,
        Err(why) => return Ok(why.clone().into()),
    };
    let Some(schema) = BT_INDEX_CHECK.load_schema(session).await? else {
        return Ok(not_callable(server).into());
    };
    let sql = include_str!("../../../sql/check/index_check.sql")
        .replace("{schema}", &quote_ident(&schema));
    let indexes = to_read(indexes, server.version.runs_owners_code_in_amcheck());
    briefly(session, read(session, &sql, &indexes, budget)).await?.map(Known::Known)
}

async fn read(
    session: &Session,
    sql: &str,
    indexes: &[&Index],
    budget: Duration,
) -> Result<Verified> {
    let mut verified = Verified::default();
    let mut budget = Budget::new(budget);
    for index in indexes {
        match budget.ask(session, sql, index.oid).await? {
            Some(Ok(_)) => verified.sound += 1,
            Some(Err(error)) if error.is_corruption() => {
                verified.corrupt.push(corrupt(index, &error));
            }
            Some(Err(error)) => budget.refused(&index.object, &error),
            None => {}
        }
    }
    verified.unread = budget.unread("index was", "indexes were", "--deep");
    Ok(verified)
}

/// What amcheck can read, the small ones first.
fn to_read(indexes: &[Index], is_code_dangerous: bool) -> Vec<&Index> {
    let can_be_read = |index: &&Index| {
        let has_code = index.has_expressions || index.is_partial;
        index.method == "btree"
            && !index.is_partitioned
            && index.is_valid
            && index.is_ready
            && index.is_live
            && !(has_code && is_code_dangerous)
    };
    let mut read = indexes.iter().filter(can_be_read).collect::<Vec<_>>();
    read.sort_by_key(|index| (index.pages, index.oid));
    read
}

fn corrupt(index: &Index, error: &ServerError) -> CorruptIndex {
    CorruptIndex {
        object: index.object.clone(),
        table_object: index.table_object.clone(),
        error: error.message.clone(),
    }
}

fn not_callable(server: &Server) -> Unavailable {
    let role = quote_ident(&server.role);
    Unavailable::because("amcheck is not installed here, or this role may not call bt_index_check").help(
        format!(
            "CREATE EXTENSION amcheck; GRANT EXECUTE ON FUNCTION bt_index_check(regclass, boolean) TO {role}"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_ones_are_read_first_and_none_that_runs_its_owners_code() {
        let index = |oid, pages, has_expressions| Index {
            oid,
            pages,
            has_expressions,
            method: "btree".to_owned(),
            is_valid: true,
            is_ready: true,
            is_live: true,
            ..Index::default()
        };
        let hash = Index { method: "hash".to_owned(), ..index(4, 1, false) };
        let invalid = Index { is_valid: false, ..index(5, 1, false) };
        let all = [index(1, 9, false), index(2, 2, false), index(3, 1, true), hash, invalid];
        let oids =
            |is_dangerous| to_read(&all, is_dangerous).iter().map(|it| it.oid).collect::<Vec<_>>();
        assert_eq!(oids(false), [3, 2, 1]);
        assert_eq!(oids(true), [2, 1]);
    }
}
