//! What GIN and BRIN indexes have, and B-trees have not.

use std::collections::HashMap;

use tokio_postgres::types::Type;

use super::{PAGE_BYTES, ask, rows};
use crate::facts::Oid;
use crate::facts::columns::facts_of_columns;
use crate::facts::extensions::ExtensionFunction;
use crate::facts::known::{Known, Unavailable};
use crate::failure::Result;
use crate::pg::database::Server;
use crate::pg::name::quote_ident;
use crate::pg::row::Row;
use crate::pg::session::Session;

/// What the methods of indexes are looked at for.
#[derive(Debug, Clone, Default)]
pub struct IndexMethods {
    pub gin_lists: Known<Vec<GinList>>,
    pub brin_keys: Known<Vec<BrinKey>>,
}

/// A GIN index with the list of what nobody has sorted in yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GinList {
    /// As the server quotes it.
    pub object: String,
    pub table_object: String,
    /// Of the list.
    pub pages: i64,
    pub rows: i64,
}

impl GinList {
    /// Bytes of the list.
    pub fn size_bytes(&self) -> i64 {
        self.pages * PAGE_BYTES
    }
}

facts_of_columns! {
    /// A column by which a BRIN index keeps the least and the greatest value of each range of pages.
    pub struct BrinKey {
        /// The index, as the server quotes it.
        pub object: String,
        pub table_object: String,
        /// Without quotes.
        pub column_name: String,
        /// Of the index.
        pub keys: i32,
        /// As of the last VACUUM or ANALYZE.
        pub table_rows: f64,
        /// As in pg_stats: 1 and -1 where the values lie in their order. `None`: no statistics, or not to be seen.
        pub correlation: Option<f64>,
        /// The role may see its statistics.
        pub may_read: bool,
    }
}

/// A smaller index has no list that is worth looking at.
const LEAST_BYTES: i64 = 8 << 20;

const PGSTATGININDEX: ExtensionFunction = ExtensionFunction {
    extension: "pgstattuple",
    name: "pgstatginindex",
    argument_types: "regclass",
};

pub(super) async fn load(session: &Session, server: &Server) -> IndexMethods {
    IndexMethods {
        gin_lists: load_gin_lists(session, server).await,
        brin_keys: rows(session, include_str!("../../../sql/check/brin_keys.sql")).await,
    }
}

/// Only the lists of large indexes are asked for: where there are none, it does not matter who may ask.
async fn load_gin_lists(session: &Session, server: &Server) -> Known<Vec<GinList>> {
    let asked = async {
        let indexes = ask(session, include_str!("../../../sql/check/gin_indexes.sql"), &[]).await?;
        let large = indexes
            .iter()
            .filter(|row| row.get::<_, i64>("bytes") >= LEAST_BYTES)
            .collect::<Vec<_>>();
        if large.is_empty() {
            return Ok(Known::default());
        }
        let Some(schema) = PGSTATGININDEX.load_schema(session).await? else {
            return Ok(not_callable(server).into());
        };
        pending(session, &schema, &large).await.map(Known::Known)
    };
    asked.await.unwrap_or_else(|failure| Unavailable::from(failure).into())
}

async fn pending(session: &Session, schema: &str, indexes: &[&Row]) -> Result<Vec<GinList>> {
    let sql = include_str!("../../../sql/check/gin_pending.sql")
        .replace("{schema}", &quote_ident(schema));
    let oids = indexes.iter().map(|row| row.get("oid")).collect::<Vec<Oid>>();
    let rows = ask(session, &sql, &[(&oids, Type::OID_ARRAY)]).await?;
    let lists = rows.iter().map(|row| (row.get("oid"), row)).collect::<HashMap<Oid, _>>();
    let lists = indexes.iter().filter_map(|index| {
        let list = lists.get(&index.get("oid"))?;
        Some(GinList {
            object: index.get("object"),
            table_object: index.get("table_object"),
            pages: list.get("pending_pages"),
            rows: list.get("pending_rows"),
        })
    });
    Ok(lists.collect())
}

fn not_callable(server: &Server) -> Unavailable {
    let role = quote_ident(&server.role);
    Unavailable::because(
        "pgstattuple is not installed here, or this role may not call its functions",
    )
    .help(format!("CREATE EXTENSION pgstattuple; GRANT pg_stat_scan_tables TO {role}"))
}

#[cfg(test)]
impl IndexMethods {
    /// Nothing of it could be seen.
    pub fn unseen(why: &Unavailable) -> Self {
        IndexMethods { gin_lists: why.clone().into(), brin_keys: why.clone().into() }
    }
}
