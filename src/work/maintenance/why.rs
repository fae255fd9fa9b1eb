//! Why a table is vacuumed or analyzed, passed over, or could not be done.

use crate::work::reason::reasons;

reasons! {
    /// The reasons of plans and steps of vacuum and analyze.
    Why {
        Due { needs: String } => Due, "{needs}";
        Asked { needs: String } => AskedFor, "asked for; {needs}";
        NotDue { needs: String } => NotDue, "{needs}";
        Temporary => Temporary, "temporary table of another session";
        Foreign => Foreign, "foreign table: its data is elsewhere";
        SystemTable => SystemTable, "system table of another owner";
        NotOwner { owner: String, needs: String } => NotOwner,
            "only its owner {owner} may do it; {needs}";
        Dropped => DroppedMeanwhile, "it was dropped meanwhile";
    }
}
