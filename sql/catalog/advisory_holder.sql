-- Who holds pgtend's run lock on this database.
-- $1, $2: the two halves of the key. Returns pid, application, role, client and since (seconds
-- since the connection was made); application and later are NULL for roles that may not see them.
-- Privilege: none for the pid; pg_read_all_stats for the rest. Cost: the lock table, once.
SELECT
  l.pid,
  a.application_name AS application,
  a.usename::pg_catalog.text AS role,
  COALESCE(a.client_addr::pg_catalog.text, a.client_hostname, 'local') AS client,
  EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - a.backend_start)::pg_catalog.float8
    AS since_seconds
FROM pg_catalog.pg_locks AS l
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory'
  AND l.granted
  AND l.database = (
    SELECT d.oid FROM pg_catalog.pg_database AS d
    WHERE d.datname = pg_catalog.current_database()
  )
  AND l.classid = $1::pg_catalog.int4::pg_catalog.text::pg_catalog.oid
  AND l.objid = $2::pg_catalog.int4::pg_catalog.text::pg_catalog.oid
  AND l.objsubid = 2
LIMIT 1
