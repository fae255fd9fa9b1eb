-- Who waits for a lock that a session of ours holds.
-- $1: the session's process.
-- Returns the process ids. Privilege: none. Cost: the table of locks, briefly.
SELECT DISTINCT l.pid
FROM pg_catalog.pg_locks AS l
WHERE NOT l.granted
  AND $1::pg_catalog.int4 = ANY (pg_catalog.pg_blocking_pids(l.pid))
