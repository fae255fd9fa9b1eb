-- Who refreshes a materialized view, or changes it in another way that takes its time.
-- $1: the view's oid. Returns sessions that hold or await ExclusiveLock or AccessExclusiveLock on it.
-- Privilege: none; pg_read_all_stats to see what they do. Cost: the lock table, once.
SELECT
  l.pid,
  a.application_name AS application,
  a.usename::pg_catalog.text AS role,
  a.state,
  a.query,
  EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - a.xact_start)::pg_catalog.float8
    AS xact_seconds
FROM pg_catalog.pg_locks AS l
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'relation'
  AND l.database = (
    SELECT d.oid FROM pg_catalog.pg_database AS d
    WHERE d.datname = pg_catalog.current_database()
  )
  AND l.relation = $1::pg_catalog.oid
  AND l.mode IN ('ExclusiveLock', 'AccessExclusiveLock')
ORDER BY a.xact_start
