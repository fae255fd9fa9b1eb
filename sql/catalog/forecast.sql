-- What would hold up a concurrent build on a table if it began now.
-- $1: the table's oid; $2: seconds. Returns sessions and prepared transactions whose transaction is
-- older than that and that either write to the table (the build waits for them twice) or hold a
-- snapshot in this database (the build waits for them at its end); and an autovacuum of the table
-- to prevent wraparound, which, unlike any other, does not give way. pid 0: a prepared transaction.
-- Privilege: pg_read_all_stats; without it only sessions of one's own role are seen. Cost: the
-- activity view and the lock table, once.
SELECT
  a.pid,
  NULL::pg_catalog.text AS gid,
  a.application_name AS application,
  a.usename::pg_catalog.text AS role,
  a.state,
  a.query,
  EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - a.xact_start)::pg_catalog.float8
    AS xact_seconds
FROM pg_catalog.pg_stat_activity AS a
LEFT JOIN LATERAL (
  SELECT
    pg_catalog.bool_or(l.mode IN (
      'RowExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock',
      'AccessExclusiveLock'
    )) AS writes
  FROM pg_catalog.pg_locks AS l
  WHERE l.pid = a.pid AND l.locktype = 'relation' AND l.granted AND l.relation = $1::pg_catalog.oid
) AS k ON true
WHERE a.datname = pg_catalog.current_database()
  AND a.application_name <> pg_catalog.current_setting('application_name')
  AND (
    a.backend_type = 'client backend'
    AND (k.writes OR a.backend_xmin IS NOT NULL)
    AND EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - a.xact_start)::pg_catalog.float8
      >= $2::pg_catalog.float8
    OR a.backend_type = 'autovacuum worker'
    AND pg_catalog.strpos(a.query, '(to prevent wraparound)') > 0
    AND EXISTS (
      SELECT FROM pg_catalog.pg_locks AS v
      WHERE v.pid = a.pid
        AND v.locktype = 'relation'
        AND v.relation = $1::pg_catalog.oid
        AND v.mode = 'ShareUpdateExclusiveLock'
    )
  )
UNION ALL
SELECT
  0,
  x.gid,
  NULL,
  x.owner::pg_catalog.text,
  'prepared',
  NULL,
  EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - x.prepared)::pg_catalog.float8
FROM pg_catalog.pg_prepared_xacts AS x
WHERE x.database = pg_catalog.current_database()
  AND EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - x.prepared)::pg_catalog.float8 >= $2::pg_catalog.float8
  AND EXISTS (
    SELECT FROM pg_catalog.pg_locks AS p
    WHERE p.pid IS NULL
      AND p.locktype = 'relation'
      AND p.relation = $1::pg_catalog.oid
      -- It keeps the virtual transaction that it was prepared in until the server is started anew.
      AND p.virtualtransaction = (
        SELECT o.virtualtransaction
        FROM pg_catalog.pg_locks AS o
        WHERE o.pid IS NULL
          AND o.locktype = 'transactionid'
          AND o.transactionid = x.transaction
      )
  )
ORDER BY xact_seconds DESC NULLS LAST
