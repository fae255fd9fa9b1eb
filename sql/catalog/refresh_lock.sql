-- Whether this session's transaction holds the lock of a refresh on a materialized view.
-- $1: the view. Returns a row if it does.
-- Privilege: none. Cost: the lock table, once.
SELECT l.pid
FROM pg_catalog.pg_locks AS l
WHERE l.pid = pg_catalog.pg_backend_pid()
  AND l.locktype = 'relation'
  AND l.relation = $1::pg_catalog.oid
  AND l.mode IN ('ExclusiveLock', 'AccessExclusiveLock')
  AND l.granted
LIMIT 1
