//! The codes of reasons: what scripts may rely on. They are never renamed.

/// Lists the codes, each with its name in JSON documents.
macro_rules! codes {
    ($($variant:ident => $name:literal,)+) => {
        /// What a reason is, for programs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub enum Code {
            /// Nothing is said yet.
            #[default]
            Unsaid,
            $($variant),+
        }

        impl Code {
            /// In JSON documents: kebab-case.
            pub fn name(self) -> &'static str {
                match self {
                    Code::Unsaid => "",
                    $(Code::$variant => $name),+
                }
            }
        }
    };
}

codes! {
    AsDeclared => "as-declared",
    AskedFor => "asked-for",
    BeingBuilt => "being-built",
    BloatUnknown => "bloat-unknown",
    Bloated => "bloated",
    Busy => "busy",
    Cancelled => "cancelled",
    CancelledUnverified => "cancelled-unverified",
    CannotBeUnique => "cannot-be-unique",
    Changed => "changed",
    DeclaredInSql => "declared-in-sql",
    Declined => "declined",
    DeferrableUnique => "deferrable-unique",
    DefinitionRefused => "definition-refused",
    Differs => "differs",
    Done => "done",
    DoneByVacuum => "done-by-vacuum",
    DoneWithWarnings => "done-with-warnings",
    Drifted => "drifted",
    DriftedPinned => "drifted-pinned",
    DroppedMeanwhile => "dropped-meanwhile",
    Due => "due",
    DuplicateKeys => "duplicate-keys",
    Ended => "ended",
    EndedMeanwhile => "ended-meanwhile",
    ExclusionConstraint => "exclusion-constraint",
    Failed => "failed",
    FirstNotConcurrent => "first-not-concurrent",
    Foreign => "foreign",
    Fresh => "fresh",
    GaveUpWaiting => "gave-up-waiting",
    Halted => "halted",
    Idle => "idle",
    Incomplete => "incomplete",
    Invalid => "invalid",
    Leftover => "leftover",
    LeftoverUnproven => "leftover-unproven",
    Locked => "locked",
    Missing => "missing",
    NameNeeded => "name-needed",
    NameTaken => "name-taken",
    NeverDone => "never-done",
    NeverReached => "never-reached",
    NoCreatePrivilege => "no-create-privilege",
    NoIndexes => "no-indexes",
    NoObject => "no-object",
    NoRefreshKnown => "no-refresh-known",
    NoRoom => "no-room",
    NoSession => "no-session",
    NoTable => "no-table",
    NoTemporaryPrivilege => "no-temporary-privilege",
    NoTime => "no-time",
    NoUniqueIndex => "no-unique-index",
    NotATable => "not-a-table",
    NotAllowed => "not-allowed",
    NotAsBefore => "not-as-before",
    NotBloated => "not-bloated",
    NotCompared => "not-compared",
    NotDue => "not-due",
    NotOwner => "not-owner",
    NotPopulated => "not-populated",
    NotSuspect => "not-suspect",
    NotVerified => "not-verified",
    NothingToSend => "nothing-to-send",
    OwnSession => "own-session",
    PassedOver => "passed-over",
    PgtendsOwn => "pgtends-own",
    Prepared => "prepared",
    RebuiltByOther => "rebuilt-by-other",
    Redundant => "redundant",
    RenamedMeanwhile => "renamed-meanwhile",
    RunLockLost => "run-lock-lost",
    ServerGone => "server-gone",
    ServersOwn => "servers-own",
    SourceChanged => "source-changed",
    SourceNotRefreshed => "source-not-refreshed",
    SourceRefreshed => "source-refreshed",
    SourcesUnknown => "sources-unknown",
    StatementFailed => "statement-failed",
    StaysInvalid => "stays-invalid",
    StillThere => "still-there",
    Stopped => "stopped",
    Suspect => "suspect",
    SystemIndex => "system-index",
    SystemTable => "system-table",
    TableLocked => "table-locked",
    Temporary => "temporary",
    TimeUp => "time-up",
    TooOld => "too-old",
    Unchanged => "unchanged",
    Unverified => "unverified",
    UpdateFirst => "update-first",
    Verified => "verified",
    WholeNotDone => "whole-not-done",
    WouldWait => "would-wait",
}
