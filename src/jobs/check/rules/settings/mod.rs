//! Settings, checkpoints and I/O.

use super::judges;

judges! {
    data_losing_setting, pending_restart, planner_method_off, small_cache_size, default_shared_buffers,
    huge_statistics_target, quiet_log, no_statement_statistics, evicted_statements, checksums_off, asynchronous_commit,
    autovacuum_throttled, configuration_error, forced_checkpoints, backend_fsync, temporary_files,
    full_page_images,
}
