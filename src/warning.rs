//! What a report says besides its result.

/// A remark that stops nothing but must not get lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// A stable name for scripts.
    pub rule: &'static str,
    /// The object, schema-qualified.
    pub object: String,
    /// What there is to know.
    pub message: String,
}
