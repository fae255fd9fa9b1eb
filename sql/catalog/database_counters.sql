-- What this database has done since its counters were reset.
-- Returns one row. commits, rollbacks, deadlocks: numbers; blocks_read, blocks_hit: pages that were not, and
-- that were, in shared_buffers; temp_bytes: written to temporary files. Sessions tell what they did at most once a
-- second, and when they end.
-- Privilege: none. Cost: one row of the statistics.
SELECT
  d.xact_commit AS commits,
  d.xact_rollback AS rollbacks,
  d.blks_read AS blocks_read,
  d.blks_hit AS blocks_hit,
  d.temp_bytes,
  d.deadlocks
FROM pg_catalog.pg_stat_database AS d
WHERE d.datname = pg_catalog.current_database()
