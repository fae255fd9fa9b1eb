//! Why a table is vacuumed or analyzed, passed over, or could not be done.

use crate::work::reason::reasons;

reasons! {
    /// The reasons of plans and steps of vacuum and analyze.
    Why {
        Due { needs: String } => "due", "{needs}";
        Asked { needs: String } => "asked-for", "asked for; {needs}";
        NotDue { needs: String } => "not-due", "{needs}";
        Temporary => "temporary", "temporary table of another session";
        Foreign => "foreign", "foreign table: its data is elsewhere";
        SystemTable => "system-table", "system table of another owner";
        NotOwner { owner: String, needs: String } => "not-owner",
            "only its owner {owner} may do it; {needs}";
        Dropped => "dropped-meanwhile", "it was dropped meanwhile";
    }
}
