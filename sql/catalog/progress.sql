-- What takes long in this database and says how far it is: index builds, VACUUM, ANALYZE, CLUSTER,
-- COPY; and every session of pgtend's that works, also one of another terminal or of cron.
-- Returns pid; command; object, NULL where the role may not see it; phase; done and total in units of
-- the phase, NULL where it does not count; seconds since the statement began; application and role,
-- NULL where they may not be seen; blocker_pid, the session that a build waits for.
-- Privilege: none; pg_read_all_stats for more than the pid of others. Cost: the progress views, once.
SELECT
  p.pid,
  p.command,
  CASE
    WHEN n.nspname IS NOT NULL
      THEN pg_catalog.quote_ident(n.nspname::pg_catalog.text)
        OPERATOR(pg_catalog.||) '.'
        OPERATOR(pg_catalog.||) pg_catalog.quote_ident(c.relname::pg_catalog.text)
  END AS object,
  p.phase,
  p.done,
  p.total,
  EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - a.query_start)::pg_catalog.float8 AS seconds,
  a.application_name AS application,
  a.usename::pg_catalog.text AS role,
  p.blocker_pid
FROM (
  SELECT
    i.pid,
    i.command,
    COALESCE(NULLIF(i.index_relid, 0::pg_catalog.oid), i.relid) AS relid,
    i.phase,
    CASE
      WHEN i.blocks_total > 0 THEN i.blocks_done
      WHEN i.tuples_total > 0 THEN i.tuples_done
      WHEN i.lockers_total > 0 THEN i.lockers_done
    END AS done,
    CASE
      WHEN i.blocks_total > 0 THEN i.blocks_total
      WHEN i.tuples_total > 0 THEN i.tuples_total
      WHEN i.lockers_total > 0 THEN i.lockers_total
    END AS total,
    NULLIF(i.current_locker_pid, 0::pg_catalog.int8)::pg_catalog.int4 AS blocker_pid
  FROM pg_catalog.pg_stat_progress_create_index AS i
  WHERE i.datname = pg_catalog.current_database()
  UNION ALL
  SELECT
    v.pid,
    'VACUUM',
    v.relid,
    v.phase,
    CASE
      WHEN v.phase = 'vacuuming heap' THEN v.heap_blks_vacuumed ELSE v.heap_blks_scanned
    END,
    v.heap_blks_total,
    NULL
  FROM pg_catalog.pg_stat_progress_vacuum AS v
  WHERE v.datname = pg_catalog.current_database()
  UNION ALL
  SELECT z.pid, 'ANALYZE', z.relid, z.phase, z.sample_blks_scanned, z.sample_blks_total, NULL
  FROM pg_catalog.pg_stat_progress_analyze AS z
  WHERE z.datname = pg_catalog.current_database()
  UNION ALL
  SELECT l.pid, l.command, l.relid, l.phase, l.heap_blks_scanned, l.heap_blks_total, NULL
  FROM pg_catalog.pg_stat_progress_cluster AS l
  WHERE l.datname = pg_catalog.current_database()
  UNION ALL
  SELECT y.pid, y.command, y.relid, 'copying', y.bytes_processed, NULLIF(y.bytes_total, 0), NULL
  FROM pg_catalog.pg_stat_progress_copy AS y
  WHERE y.datname = pg_catalog.current_database()
  UNION ALL
  SELECT s.pid, 'REFRESH MATERIALIZED VIEW', NULL, s.state, NULL, NULL, NULL
  FROM pg_catalog.pg_stat_activity AS s
  WHERE s.datname = pg_catalog.current_database()
    AND s.state = 'active'
    AND s.query ~* '^\s*REFRESH\s+MATERIALIZED\s+VIEW'
) AS p
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = p.pid
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = p.relid
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY p.pid
