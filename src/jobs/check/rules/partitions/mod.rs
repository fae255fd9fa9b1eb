//! Partitions and materialized views.

use super::judges;

mod bound;

judges! {
    partition_runway, default_partition_filling, too_many_partitions, view_not_populated, view_without_key,
    view_stale, view_slow_refresh,
}
