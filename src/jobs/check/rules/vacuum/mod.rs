//! Transaction ids, VACUUM and autovacuum.

use super::judges;

mod wraparound;

judges! {
    xid_wraparound, multixact_wraparound, multixact_members, vacuum_blocked, autovacuum_off, autovacuum_behind,
    autovacuum_starved, vacuum_scale, freeze_debt, toast_dead, few_hot_updates,
}
