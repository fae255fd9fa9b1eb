//! Why apply does, leaves or could not do something.

use crate::pg::name::RelationName;
use crate::work::reason::reasons;

reasons! {
    /// The reasons of plans and steps that make a database as it is declared.
    Why {
        Missing => Missing, "missing";
        MissingUntilView { view: RelationName } => Missing, "missing; {view} is created first";
        MissingOnPartitions { leaves: usize } => Missing, "missing; on {leaves} partitions";
        Incomplete => Incomplete, "incomplete: not all partitions have their part";
        AsDeclared => AsDeclared, "already as declared";
        FoundByDefinition => AsDeclared, "already as declared, found by its definition";
        FoundAs { name: String } => AsDeclared, "already as declared, under the name {name}";
        DeclaredInSql { name: String, source: String } => DeclaredInSql,
            "it is {name}, which {source} declares";
        SomebodyElseDidIt => AsDeclared, "already as declared: another session did it";
        NotCompared => NotCompared, "present and valid, not compared";
        QueryNotCompared => NotCompared, "present, not compared";
        TableLocked { table: RelationName } => TableLocked,
            "{table} is locked by another session, so pgtend cannot compare it now; apply waits for it";
        NotOwner { what: String, table: RelationName, owner: String } => NotOwner,
            "{what}, but only the owner of {table} ({owner}) may do it";
        OnlyOwner { table: RelationName, owner: String } => NotOwner,
            "only the owner of {table} ({owner}) may do it";
        NoCreatePrivilege { what: String, schema: String } => NoCreatePrivilege,
            "{what}, but it takes CREATE on the schema {schema}";
        NoTable { table: RelationName } => NoTable, "the table {table} does not exist";
        DefinitionRefused { error: String } => DefinitionRefused,
            "the server refuses the definition: {error}";
        ExistsAndRefused { error: String } => DefinitionRefused,
            "an index of that name exists, but the server refuses the declared definition: {error}";
        QueryRefused { error: String } => DefinitionRefused,
            "the server refuses the query: {error}";
        ViewExistsAndRefused { error: String } => DefinitionRefused,
            "it exists, but the server refuses the declared query: {error}";
        NamelessOnNewView => NameNeeded,
            "it has no name, and none can be chosen before its view exists; name it";
        NamelessNotCompared { why: String } => NameNeeded,
            "it has no name and cannot be found by its definition: {why}; name it";
        NoFreeName => NameNeeded, "no free name was found for it; name it";
        NameOfIndex { table: RelationName } => NameTaken,
            "the name is taken by an index on {table}";
        NameOf { kind: &'static str } => NameTaken, "the name is taken by {kind}";
        HasNoIndexes { table: RelationName, kind: &'static str } => NoIndexes,
            "{table} is {kind}, which has no indexes";
        CannotBeMaintained { table: RelationName, kind: &'static str } => NotATable,
            "{table} is {kind}";
        Redundant { other: String } => Redundant, "redundant: {other} does all that it would do";
        RedundantPart { part: RelationName } => Redundant,
            "redundant: {part}, a part of the partitioned table's index, does all that it would do";
        BeingBuilt { who: String } => BeingBuilt, "{who} is building it now";
        DropInterrupted => Invalid, "invalid: an interrupted DROP left it";
        BrokenBeforeFilled => Invalid, "invalid: its build was interrupted before it was filled";
        BrokenBeforeValidated => Invalid, "invalid: its build was interrupted before it was validated";
        Leftover => Leftover, "left by an interrupted replacement or rebuild";
        Drifted { drift: String } => Drifted, "drifted ({drift})";
        DriftedToReplace { drift: String } => Drifted,
            "drifted ({drift}); --replace builds a new one and swaps the names";
        DriftedPartitioned { drift: String } => Drifted,
            "drifted ({drift}); pgtend does not replace the index of a partitioned table";
        DriftedPinned { drift: String, pin: String } => DriftedPinned,
            "drifted ({drift}), and pinned by {pin}";
        ViewDrifted { view: RelationName } => Drifted,
            "drifted: its query is not the declared one; pgtend does not replace views: \
             DROP MATERIALIZED VIEW {view}, then run again";
        UniqueForeign => CannotBeUnique, "a unique index cannot span foreign partitions";
        UniqueExpression { member: RelationName } => CannotBeUnique,
            "a unique index cannot be made where the partition key of {member} is an expression";
        UniqueLacksKey { member: RelationName, column: String } => CannotBeUnique,
            "a unique index has to hold the partition key of {member}, and lacks {column}";
        StaysInvalid { index: RelationName, parts: usize } => StaysInvalid,
            "invalid, and stays so, because a partition is foreign; queries use its parts none the \
             less. DROP INDEX {index} drops them, too ({parts}); then run again";
        NoSuchObject { kind: String } => NoObject, "there is no {kind} of that name";
        ObjectFirst => Missing, "its object is created first";
        CommentDiffers => Differs, "it differs";
        CommentNotOwned => NotOwner, "it differs, but only the owner may change it";
        DoneByVacuum { source: String } => DoneByVacuum,
            "the VACUUM (ANALYZE) of {source} does it";
        NeverDone => NeverDone, "never done as far as the statistics know";
        ViewFirst => Changed, "the view is created first";
        ChangesTable => Changed, "this run changes the table";
        ChangesDatabase => Changed, "this run changes the database";
        NothingChanges => Unchanged, "this run changes nothing";
        NothingChangesSince { ago: String } => Unchanged,
            "done {ago} ago, and this run changes nothing";
        NothingChangedThere => Unchanged, "this run changed nothing there";
        Verified => Verified, "done and verified in the catalog";
        PartVerified { whole: RelationName } => Verified,
            "done as a part of {whole}, and verified in the catalog";
        WholeNotDone { whole: RelationName } => WholeNotDone,
            "not done: {whole}, of which it is to be a part, was not done";
        NotVerifiedAgain { failure: String } => NotVerified,
            "done, and not verified again after the connection was lost: {failure}";
        NotInCatalog => NotVerified,
            "the catalog does not show what the statements should have done";
        DoneWithWarnings { count: usize } => DoneWithWarnings,
            "done, with {count} warnings of the server";
        Halted { why: String } => Halted, "not started: {why}";
        RunLockLost { failure: String } => RunLockLost,
            "not started: the run lock was lost: {failure}";
        BuiltThenGone => DroppedMeanwhile, "built, then renamed or dropped by another session";
        BuiltThenDropped => DroppedMeanwhile, "built, then dropped by another session";
        BuiltThenRenamed { how: String } => RenamedMeanwhile, "built, but {how}";
    }
}
