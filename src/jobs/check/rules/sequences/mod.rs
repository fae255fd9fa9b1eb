//! Sequences and integer keys that run out.

use super::judges;

judges! { sequence_exhaustion, integer_key_exhaustion, foreign_key_type }
