-- What would be lost if the statements or sessions of these processes were ended.
-- $1: pids. Returns one row for each that the server has. started, statement_started: moments by which
-- the session and its statement are known again, NULL where the role may not see them. is_ours: it is
-- the one that asks. is_hidden: the role may not see what it does. statement_seconds: of a running
-- statement; transaction_seconds: of an open transaction. has_written: its transaction has a number,
-- as the first write gives it; written: relations of this database that it holds a lock of writers on.
-- waiting: sessions that wait for it directly.
-- Privilege: pg_read_all_stats to see what other roles do. Cost: the activity view, the lock table, and
-- pg_blocking_pids for those that wait.
SELECT
  a.pid,
  a.backend_start::pg_catalog.text AS started,
  a.query_start::pg_catalog.text AS statement_started,
  a.pid = pg_catalog.pg_backend_pid() AS is_ours,
  a.usename::pg_catalog.text AS role,
  a.datname::pg_catalog.text AS database,
  a.application_name AS application,
  a.backend_type,
  a.state,
  a.query,
  a.query = '<insufficient privilege>' AS is_hidden,
  CASE
    WHEN a.state IN ('active', 'fastpath function call') OR a.state IS NULL
    THEN EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - a.query_start)::pg_catalog.float8
  END AS statement_seconds,
  EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - a.xact_start)::pg_catalog.float8
    AS transaction_seconds,
  a.backend_xid IS NOT NULL AS has_written,
  (
    SELECT pg_catalog.array_agg(DISTINCT l.relation::pg_catalog.regclass::pg_catalog.text)
    FROM pg_catalog.pg_locks AS l
    JOIN pg_catalog.pg_class AS c ON c.oid = l.relation AND c.relkind IN ('r', 'p', 'm')
    JOIN pg_catalog.pg_database AS d
      ON d.oid = l.database AND d.datname = pg_catalog.current_database()
    WHERE l.pid = a.pid
      AND l.granted
      AND l.relation >= 16384::pg_catalog.oid
      AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')
  ) AS written,
  (
    SELECT pg_catalog.count(*)
    FROM pg_catalog.pg_stat_activity AS w
    WHERE w.wait_event_type = 'Lock'
      AND EXISTS (
        SELECT FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) AS b (pid) WHERE b.pid = a.pid
      )
  ) AS waiting
FROM pg_catalog.pg_stat_activity AS a
WHERE a.pid = ANY ($1::pg_catalog.int4[])
