//! Versions, extensions and collations.

mod releases;

use super::judges;
pub use releases::latest;
pub(super) use releases::running;

judges! {
    outdated_minor, end_of_life, suspect_index, collation_mismatch, outdated_extension,
    extension_without_files,
}
