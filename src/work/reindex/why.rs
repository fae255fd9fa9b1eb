//! Why an index is rebuilt, passed over, or could not be done.

use crate::pg::name::RelationName;
use crate::work::reason::reasons;

reasons! {
    /// The reasons of plans and steps of reindex.
    Why {
        Asked { size: String } => "asked-for", "asked for; {size}";
        Invalid => "invalid", "invalid: queries do not use it";
        DropInterrupted => "invalid", "invalid: an interrupted DROP left it";
        Leftover { index: RelationName } => "leftover", "left by an interrupted rebuild of {index}";
        Bloated { size: String } => "bloated", "{size}";
        NotBloated { size: String } => "not-bloated", "{size}";
        /// Its size says bloated, its leaves do not.
        Dense { size: String, percent: String } => "not-bloated",
            "{size}, but its leaves are {percent} % full";
        Suspect { why: String, size: String } => "suspect", "{why}; {size}";
        NotSuspect { size: String } => "not-suspect", "nothing makes it suspect; {size}";
        UpdateFirst { why: String, version: String } => "update-first",
            "{why}; update the server to {version} first: until then a rebuild may be damaged again";
        NotKnown { size: String, why: String } => "bloat-unknown",
            "{size}; how large a fresh one would be is not known: {why}";
        NotOwner { owner: String, why: String } => "not-owner",
            "{why}; only the owner of its table ({owner}) may do it";
        NotMaintainer { owner: String, why: String } => "not-owner",
            "{why}; it takes MAINTAIN on its table, or its owner ({owner})";
        Exclusion { index: RelationName } => "exclusion-constraint",
            "PostgreSQL cannot rebuild the index of an exclusion constraint while the application writes: \
             in a quiet hour run REINDEX INDEX {index}";
        System { index: RelationName } => "system-index",
            "PostgreSQL cannot rebuild the indexes of system tables concurrently: in a quiet hour run \
             REINDEX INDEX {index}";
        Temporary => "temporary", "temporary index";
        Deferrable { version: String } => "deferrable-unique",
            "PostgreSQL {version} reports false duplicate keys to the application while it rebuilds a \
             deferrable unique index; update to 14.24, 15.19, 16.15, 17.11 or 18.6 first";
        BeingBuilt { who: String } => "being-built", "{who} is building it now";
        Verified { before: String, after: String } => "verified", "{before} → {after}, verified in the catalog";
        Removed => "verified", "removed";
        RebuiltByOther => "rebuilt-by-other", "another session has rebuilt it";
        Gone => "dropped-meanwhile", "it was renamed or dropped meanwhile";
        NotProven => "leftover-unproven",
            "it is not dropped: no index of the table has its definition and the name that it was made from";
        NotInCatalog => "not-verified", "the catalog does not show that it was rebuilt";
        NotAsBefore { what: String } => "not-as-before", "rebuilt, but not as before: {what}";
        TableLocked { table: RelationName } => "table-locked", "{table} is locked by another session";
        Halted { why: String } => "halted", "not started: {why}";
        RunLockLost { failure: String } => "run-lock-lost",
            "not started: the run lock was lost: {failure}";
    }
}
