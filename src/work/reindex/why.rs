//! Why an index is rebuilt, passed over, or could not be done.

use crate::pg::name::RelationName;
use crate::work::reason::reasons;

reasons! {
    /// The reasons of plans and steps of reindex.
    Why {
        Asked { size: String } => AskedFor, "asked for; {size}";
        Invalid => Invalid, "invalid: queries do not use it";
        DropInterrupted => Invalid, "invalid: an interrupted DROP left it";
        Leftover { index: RelationName } => Leftover, "left by an interrupted rebuild of {index}";
        Bloated { size: String } => Bloated, "{size}";
        NotBloated { size: String } => NotBloated, "{size}";
        /// Its size says bloated, its leaves do not.
        Dense { size: String, percent: String } => NotBloated,
            "{size}, but its leaves are {percent} % full";
        Suspect { why: String, size: String } => Suspect, "{why}; {size}";
        NotSuspect { size: String } => NotSuspect, "nothing makes it suspect; {size}";
        UpdateFirst { why: String, version: String } => UpdateFirst,
            "{why}; update the server to {version} first: until then a rebuild may be damaged again";
        NotKnown { size: String, why: String } => BloatUnknown,
            "{size}; how large a fresh one would be is not known: {why}";
        NotOwner { owner: String, why: String } => NotOwner,
            "{why}; only the owner of its table ({owner}) may do it";
        NotMaintainer { owner: String, why: String } => NotOwner,
            "{why}; it takes MAINTAIN on its table, or its owner ({owner})";
        Exclusion { index: RelationName } => ExclusionConstraint,
            "PostgreSQL cannot rebuild the index of an exclusion constraint while the application writes: \
             in a quiet hour run REINDEX INDEX {index}";
        System { index: RelationName } => SystemIndex,
            "PostgreSQL cannot rebuild the indexes of system tables concurrently: in a quiet hour run \
             REINDEX INDEX {index}";
        Temporary => Temporary, "temporary index";
        Deferrable { version: String } => DeferrableUnique,
            "PostgreSQL {version} reports false duplicate keys to the application while it rebuilds a \
             deferrable unique index; update to 14.24, 15.19, 16.15, 17.11 or 18.6 first";
        BeingBuilt { who: String } => BeingBuilt, "{who} is building it now";
        Verified { before: String, after: String } => Verified, "{before} → {after}, verified in the catalog";
        Removed => Verified, "removed";
        RebuiltByOther => RebuiltByOther, "another session has rebuilt it";
        Gone => DroppedMeanwhile, "it was renamed or dropped meanwhile";
        NotProven => LeftoverUnproven,
            "it is not dropped: no index of the table has its definition and the name that it was made from";
        NotInCatalog => NotVerified, "the catalog does not show that it was rebuilt";
        NotAsBefore { what: String } => NotAsBefore, "rebuilt, but not as before: {what}";
        TableLocked { table: RelationName } => TableLocked, "{table} is locked by another session";
        Halted { why: String } => Halted, "not started: {why}";
        RunLockLost { failure: String } => RunLockLost,
            "not started: the run lock was lost: {failure}";
    }
}
