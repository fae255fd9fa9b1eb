//! Keys and constraints of tables.

use super::judges;

judges! { no_primary_key, duplicate_foreign_key, not_valid_constraint, disabled_trigger, constant_column }
