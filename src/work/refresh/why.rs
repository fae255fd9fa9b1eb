//! Why a view is refreshed, left alone, or could not be refreshed.

use crate::pg::name::RelationName;
use crate::work::reason::reasons;

reasons! {
    /// The reasons of plans and steps that refresh materialized views.
    Why {
        Asked => "asked-for", "asked for";
        NotPopulated => "not-populated", "not populated";
        NoRefreshKnown => "no-refresh-known", "no refresh is known";
        TooOld { ago: String } => "too-old", "last refreshed {ago} ago";
        ReadsRefreshed { view: RelationName } => "source-refreshed",
            "it reads {view}, which this run refreshes";
        Changed { how: String } => "source-changed", "{how}";
        SourcesUnknown => "sources-unknown", "its sources are unknown";
        Fresh { ago: String } => "fresh", "fresh: refreshed {ago} ago";
        Unchanged { ago: String } => "unchanged", "unchanged since its refresh {ago} ago";
        NotOwner { owner: String } => "not-owner",
            "only its owner {owner} may refresh it (or, from 17 on, a role with MAINTAIN)";
        FirstCannotBeConcurrent => "first-not-concurrent",
            "it is not populated, and the first refresh cannot be concurrent; --mode auto populates it";
        NoUniqueIndex { proposal: String } => "no-unique-index",
            "a concurrent refresh needs a unique index on plain columns without a predicate{proposal}; \
             or --mode plain, which makes readers wait";
        NoTemporary { database: String } => "no-temporary-privilege",
            "a concurrent refresh needs TEMP on the database: GRANT TEMPORARY ON DATABASE {database} TO …";
        LeftTo { who: String } => "busy", "skipped: already being refreshed by {who}";
        SourceNotRefreshed { view: String } => "source-not-refreshed",
            "it reads {view}, which was not refreshed";
        Dropped => "dropped-meanwhile", "it was dropped meanwhile";
        Renamed { was: RelationName, now: RelationName } => "renamed-meanwhile",
            "{was} was renamed meanwhile: it is {now} now";
        DuplicateKeys { columns: String, error: String } => "duplicate-keys",
            "its query returns several rows for one key ({columns}): {error}; correct the query or the data, \
             or drop the unique index";
    }
}
