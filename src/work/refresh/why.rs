//! Why a view is refreshed, left alone, or could not be refreshed.

use crate::pg::name::RelationName;
use crate::work::reason::reasons;

reasons! {
    /// The reasons of plans and steps that refresh materialized views.
    Why {
        Asked => AskedFor, "asked for";
        NotPopulated => NotPopulated, "not populated";
        NoRefreshKnown => NoRefreshKnown, "no refresh is known";
        TooOld { ago: String } => TooOld, "last refreshed {ago} ago";
        ReadsRefreshed { view: RelationName } => SourceRefreshed,
            "it reads {view}, which this run refreshes";
        Changed { how: String } => SourceChanged, "{how}";
        SourcesUnknown => SourcesUnknown, "its sources are unknown";
        Fresh { ago: String } => Fresh, "fresh: refreshed {ago} ago";
        Unchanged { ago: String } => Unchanged, "unchanged since its refresh {ago} ago";
        NotOwner { owner: String } => NotOwner,
            "only its owner {owner} may refresh it (or, from 17 on, a role with MAINTAIN)";
        FirstCannotBeConcurrent => FirstNotConcurrent,
            "it is not populated, and the first refresh cannot be concurrent; --mode auto populates it";
        NoUniqueIndex { proposal: String } => NoUniqueIndex,
            "a concurrent refresh needs a unique index on plain columns without a predicate{proposal}; \
             or --mode plain, which makes readers wait";
        NoTemporary { database: String } => NoTemporaryPrivilege,
            "a concurrent refresh needs TEMP on the database: GRANT TEMPORARY ON DATABASE {database} TO …";
        LeftTo { who: String } => Busy, "skipped: already being refreshed by {who}";
        SourceNotRefreshed { view: String } => SourceNotRefreshed,
            "it reads {view}, which was not refreshed";
        Dropped => DroppedMeanwhile, "it was dropped meanwhile";
        Renamed { was: RelationName, now: RelationName } => RenamedMeanwhile,
            "{was} was renamed meanwhile: it is {now} now";
        DuplicateKeys { columns: String, error: String } => DuplicateKeys,
            "its query returns several rows for one key ({columns}): {error}; correct the query or the data, \
             or drop the unique index";
    }
}
