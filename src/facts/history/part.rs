//! What the versions of pgtend's own schema have: a database that has not been upgraded keeps working for
//! what its version has.

/// What is kept, each with the version that made a place for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryPart {
    /// What jobs did, and what views were made of.
    Runs = 1,
    /// Snapshots of the statements' counters.
    Statements = 2,
    /// Snapshots of sizes, ages, positions and counts.
    Measures = 3,
}

impl HistoryPart {
    /// The first version of the schema that has it.
    pub fn version(self) -> i32 {
        self as i32
    }
}
