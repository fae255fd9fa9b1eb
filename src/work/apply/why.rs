//! Why apply does, leaves or could not do something.

use crate::pg::name::RelationName;
use crate::work::reason::reasons;

reasons! {
    /// The reasons of plans and steps that make a database as it is declared.
    Why {
        Missing => "missing", "missing";
        MissingUntilView { view: RelationName } => "missing", "missing; {view} is created first";
        MissingOnPartitions { leaves: usize } => "missing", "missing; on {leaves} partitions";
        Incomplete => "incomplete", "incomplete: not all partitions have their part";
        AsDeclared => "as-declared", "already as declared";
        FoundByDefinition => "as-declared", "already as declared, found by its definition";
        FoundAs { name: String } => "as-declared", "already as declared, under the name {name}";
        DeclaredInSql { name: String, source: String } => "declared-in-sql",
            "it is {name}, which {source} declares";
        SomebodyElseDidIt => "as-declared", "already as declared: another session did it";
        NotCompared => "not-compared", "present and valid, not compared";
        QueryNotCompared => "not-compared", "present, not compared";
        TableLocked { table: RelationName } => "table-locked",
            "{table} is locked by another session, so pgtend cannot compare it now; apply waits for it";
        NotOwner { what: String, table: RelationName, owner: String } => "not-owner",
            "{what}, but only the owner of {table} ({owner}) may do it";
        OnlyOwner { table: RelationName, owner: String } => "not-owner",
            "only the owner of {table} ({owner}) may do it";
        NoCreatePrivilege { what: String, schema: String } => "no-create-privilege",
            "{what}, but it takes CREATE on the schema {schema}";
        NoTable { table: RelationName } => "no-table", "the table {table} does not exist";
        DefinitionRefused { error: String } => "definition-refused",
            "the server refuses the definition: {error}";
        ExistsAndRefused { error: String } => "definition-refused",
            "an index of that name exists, but the server refuses the declared definition: {error}";
        QueryRefused { error: String } => "definition-refused",
            "the server refuses the query: {error}";
        ViewExistsAndRefused { error: String } => "definition-refused",
            "it exists, but the server refuses the declared query: {error}";
        NamelessOnNewView => "name-needed",
            "it has no name, and none can be chosen before its view exists; name it";
        NamelessNotCompared { why: String } => "name-needed",
            "it has no name and cannot be found by its definition: {why}; name it";
        NoFreeName => "name-needed", "no free name was found for it; name it";
        NameOfIndex { table: RelationName } => "name-taken",
            "the name is taken by an index on {table}";
        NameOf { kind: &'static str } => "name-taken", "the name is taken by {kind}";
        HasNoIndexes { table: RelationName, kind: &'static str } => "no-indexes",
            "{table} is {kind}, which has no indexes";
        CannotBeMaintained { table: RelationName, kind: &'static str } => "not-a-table",
            "{table} is {kind}";
        Redundant { other: String } => "redundant", "redundant: {other} does all that it would do";
        RedundantPart { part: RelationName } => "redundant",
            "redundant: {part}, a part of the partitioned table's index, does all that it would do";
        BeingBuilt { who: String } => "being-built", "{who} is building it now";
        DropInterrupted => "invalid", "invalid: an interrupted DROP left it";
        BrokenBeforeFilled => "invalid", "invalid: its build was interrupted before it was filled";
        BrokenBeforeValidated => "invalid", "invalid: its build was interrupted before it was validated";
        Leftover => "leftover", "left by an interrupted replacement or rebuild";
        Drifted { drift: String } => "drifted", "drifted ({drift})";
        DriftedToReplace { drift: String } => "drifted",
            "drifted ({drift}); --replace builds a new one and swaps the names";
        DriftedPartitioned { drift: String } => "drifted",
            "drifted ({drift}); pgtend does not replace the index of a partitioned table";
        DriftedPinned { drift: String, pin: String } => "drifted-pinned",
            "drifted ({drift}), and pinned by {pin}";
        ViewDrifted { view: RelationName } => "drifted",
            "drifted: its query is not the declared one; pgtend does not replace views: \
             DROP MATERIALIZED VIEW {view}, then run again";
        UniqueForeign => "cannot-be-unique", "a unique index cannot span foreign partitions";
        UniqueExpression { member: RelationName } => "cannot-be-unique",
            "a unique index cannot be made where the partition key of {member} is an expression";
        UniqueLacksKey { member: RelationName, column: String } => "cannot-be-unique",
            "a unique index has to hold the partition key of {member}, and lacks {column}";
        StaysInvalid { index: RelationName, parts: usize } => "stays-invalid",
            "invalid, and stays so, because a partition is foreign; queries use its parts none the \
             less. DROP INDEX {index} drops them, too ({parts}); then run again";
        NoSuchObject { kind: String } => "no-object", "there is no {kind} of that name";
        ObjectFirst => "missing", "its object is created first";
        CommentDiffers => "differs", "it differs";
        CommentNotOwned => "not-owner", "it differs, but only the owner may change it";
        DoneByVacuum { source: String } => "done-by-vacuum",
            "the VACUUM (ANALYZE) of {source} does it";
        NeverDone => "never-done", "never done as far as the statistics know";
        ViewFirst => "changed", "the view is created first";
        ChangesTable => "changed", "this run changes the table";
        ChangesDatabase => "changed", "this run changes the database";
        NothingChanges => "unchanged", "this run changes nothing";
        NothingChangesSince { ago: String } => "unchanged",
            "done {ago} ago, and this run changes nothing";
        NothingChangedThere => "unchanged", "this run changed nothing there";
        Verified => "verified", "done and verified in the catalog";
        PartVerified { whole: RelationName } => "verified",
            "done as a part of {whole}, and verified in the catalog";
        WholeNotDone { whole: RelationName } => "whole-not-done",
            "not done: {whole}, of which it is to be a part, was not done";
        NotVerifiedAgain { failure: String } => "not-verified",
            "done, and not verified again after the connection was lost: {failure}";
        NotInCatalog => "not-verified",
            "the catalog does not show what the statements should have done";
        DoneWithWarnings { count: usize } => "done-with-warnings",
            "done, with {count} warnings of the server";
        Halted { why: String } => "halted", "not started: {why}";
        RunLockLost { failure: String } => "run-lock-lost",
            "not started: the run lock was lost: {failure}";
        BuiltThenGone => "dropped-meanwhile", "built, then renamed or dropped by another session";
        BuiltThenDropped => "dropped-meanwhile", "built, then dropped by another session";
        BuiltThenRenamed { how: String } => "renamed-meanwhile", "built, but {how}";
    }
}
