//! Invalid, superfluous and unused indexes.

use super::judges;

mod key;

judges! { invalid_index, index_leftover, duplicate_index, redundant_index, unused_index }
