//! Standbys, slots, archiving, publications and subscriptions.

use super::judges;

judges! {
    checksum_failures, sync_standby_missing, archiver_failing, inactive_slot, lost_slot, standby_lag,
    publication_without_identity, subscription_errors, subscription_conflicts, subscription_disabled,
    hot_standby_conflicts,
}
