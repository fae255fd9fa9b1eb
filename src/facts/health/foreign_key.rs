//! Foreign keys, constraints that were never validated, and triggers that are switched off.

use crate::facts::columns::facts_of_columns;

facts_of_columns! {
    /// A foreign key.
    pub struct ForeignKey {
        /// Its name on its table, as the server identifies it.
        pub object: String,
        pub table_oid: u32,
        pub table_object: String,
        pub referenced_oid: u32,
        pub referenced_object: String,
        /// Numbers of the table's columns, in the key's order.
        pub columns: String,
        /// Numbers of the referenced table's columns, in the same order.
        pub referenced_columns: String,
        /// As the server quotes them.
        pub column_names: String,
        pub types: String,
        pub referenced_types: String,
        /// As in pg_constraint: `a` is NO ACTION.
        pub on_delete: String,
        /// Of the table, as of the last VACUUM or ANALYZE.
        pub rows: f64,
        /// Rows of the referenced table that were deleted since the last reset.
        pub removed: i64,
        /// Rows of the referenced table that were updated since the last reset.
        pub changed: i64,
    }
}

facts_of_columns! {
    /// A constraint that holds for new rows only.
    pub struct NotValidConstraint {
        /// Its name on its table, as the server identifies it.
        pub object: String,
        /// As the server quotes it.
        pub name: String,
        pub table_object: String,
        pub oid: u32,
    }
}

facts_of_columns! {
    /// A trigger that is switched off.
    pub struct DisabledTrigger {
        /// Its name on its table, as the server identifies it.
        pub object: String,
        /// As the server quotes it.
        pub name: String,
        pub table_object: String,
        /// The foreign key that it checks.
        pub constraint_name: Option<String>,
    }
}
