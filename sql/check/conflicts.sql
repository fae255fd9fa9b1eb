-- The queries that a standby has cancelled in this database, because they were in the way of replaying.
-- Returns one row: cancelled; reset_seconds: since the last reset of the counters (NULL: never).
-- Privilege: none. Cost: two small views.
SELECT
  c.confl_tablespace + c.confl_lock + c.confl_snapshot + c.confl_bufferpin + c.confl_deadlock
    AS cancelled,
  pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - d.stats_reset) AS reset_seconds
FROM pg_catalog.pg_stat_database_conflicts AS c
JOIN pg_catalog.pg_stat_database AS d ON d.datid = c.datid
WHERE c.datname = pg_catalog.current_database()
