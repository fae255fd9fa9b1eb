//! Facts whose fields are columns of the same names.

use crate::pg::row::Row;

/// What can be read from a row.
pub trait FromRow {
    fn from_row(row: &Row) -> Self;
}

/// A struct of facts, and how it is read: each field from the column of its name.
macro_rules! facts_of_columns {
    (
        $(#[$meta:meta])*
        pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)* }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }

        impl $crate::facts::columns::FromRow for $name {
            fn from_row(row: &$crate::pg::row::Row) -> Self {
                $name { $($field: row.get(stringify!($field)),)* }
            }
        }
    };
}

pub(crate) use facts_of_columns;
