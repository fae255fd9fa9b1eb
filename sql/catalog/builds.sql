-- The index builds under way in this database, by anyone.
-- Returns pid; table_oid and index_oid where they can be known; application, role, phase, command;
-- since_seconds. A role without pg_read_all_stats sees only the pid of others' builds, but every
-- role sees locks: a concurrent build holds ShareUpdateExclusive on its table from start to end.
-- Privilege: none; pg_read_all_stats for more. Cost: the progress view and the lock table, once.
SELECT
  p.pid,
  COALESCE(p.relid, l.relation) AS table_oid,
  NULLIF(p.index_relid, 0::pg_catalog.oid) AS index_oid,
  p.command,
  p.phase,
  a.application_name AS application,
  a.usename::pg_catalog.text AS role,
  EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - a.query_start)::pg_catalog.float8
    AS since_seconds
FROM pg_catalog.pg_stat_progress_create_index AS p
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = p.pid
LEFT JOIN pg_catalog.pg_locks AS l
  ON p.relid IS NULL
  AND l.pid = p.pid
  AND l.database = p.datid
  AND l.locktype = 'relation'
  AND l.mode = 'ShareUpdateExclusiveLock'
  AND l.granted
WHERE p.datid = (
  SELECT d.oid FROM pg_catalog.pg_database AS d
  WHERE d.datname = pg_catalog.current_database()
)
