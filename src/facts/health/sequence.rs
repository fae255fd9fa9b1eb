//! Sequences, and how far they have counted.

use std::collections::HashMap;

use super::rows;
use crate::facts::columns::facts_of_columns;
use crate::facts::known::{Known, Unavailable};
use crate::facts::measures::load_sequence_values;
use crate::pg::database::Server;
use crate::pg::name::quote_ident;
use crate::pg::session::Session;

facts_of_columns! {
    /// A sequence and the column that it counts for.
    pub struct SequenceColumn {
        pub oid: u32,
        /// As the server quotes it.
        pub object: String,
        pub least: i64,
        pub greatest: i64,
        pub starts_at: i64,
        /// Negative where it counts downwards.
        pub step: i64,
        /// It begins again at its end.
        pub cycles: bool,
        /// The column that owns it.
        pub column_object: Option<String>,
        pub column_type: Option<String>,
    }
}

/// All sequences.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sequences {
    pub all: Vec<SequenceColumn>,
    /// Their last values by oid; those that were never used, and those that are locked, are not among them.
    pub values: HashMap<u32, i64>,
    /// What could not be read of them.
    pub hidden: Option<Unavailable>,
}

pub(super) async fn load(session: &Session, server: &Server) -> Known<Sequences> {
    let all = rows(session, include_str!("../../../sql/check/sequences.sql")).await;
    let read = match load_sequence_values(session).await {
        Ok(read) => read,
        Err(failure) => return Unavailable::from(failure).into(),
    };
    let locked = read.values.iter().filter(|value| value.is_none()).count();
    let hidden = match (read.hidden, locked) {
        (1.., _) => {
            let why = format!("this role may not read {} sequences", read.hidden);
            let grant = format!("GRANT pg_read_all_data TO {}", quote_ident(&server.role));
            Some(Unavailable::because(why).help(grant))
        }
        (_, 1..) => Some(Unavailable::because(format!("{locked} sequences are locked"))),
        _ => None,
    };
    let values = read
        .oids
        .into_iter()
        .zip(read.values)
        .filter_map(|(oid, value)| Some((oid, value?)))
        .collect();
    all.map(|all| Sequences { all, values, hidden })
}
