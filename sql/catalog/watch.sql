-- How far our own statements are, and for whom they wait.
-- $1: pids of our backends that are at work; $2: pids of all backends of this run, which hold each
-- other up for moments only and are never named. is_idle: it has answered. index_oid: the index that it
-- builds. phase and counters of an index build, VACUUM or ANALYZE, NULL for anything else: blocks, tuples
-- or lockers done and in all (0 in all: the phase does not count them); size_bytes of the index so far,
-- only in phases in which nobody can lock it away. workers: parallel ones. blocker_*: the session of
-- another that holds the lock that is waited for, NULL when nothing is; pid 0 is a prepared transaction,
-- that with the awaited transaction id or with a lock on the awaited table;
-- blocker_waits_for_us: the wait goes in a circle.
-- Privilege: none for one's own role's backends; pg_read_all_stats to see what the blocker does.
-- Cost: four views; the lock table only while something waits.
SELECT
  a.pid,
  COALESCE(pg_catalog.starts_with(a.state, 'idle'), false) AS is_idle,
  NULLIF(p.index_relid, 0::pg_catalog.oid) AS index_oid,
  COALESCE(p.phase, 'VACUUM: ' || v.phase, 'ANALYZE: ' || z.phase) AS phase,
  COALESCE(
    p.blocks_done,
    CASE
      WHEN v.phase = 'vacuuming heap' THEN v.heap_blks_vacuumed ELSE v.heap_blks_scanned
    END,
    z.sample_blks_scanned
  ) AS blocks_done,
  COALESCE(p.blocks_total, v.heap_blks_total, z.sample_blks_total) AS blocks_total,
  p.tuples_done,
  p.tuples_total,
  p.lockers_done,
  p.lockers_total,
  CASE
    WHEN pg_catalog.starts_with(p.phase, 'building') OR pg_catalog.starts_with(p.phase, 'index val')
      THEN pg_catalog.pg_relation_size(p.index_relid)
  END AS size_bytes,
  (
    SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity AS v WHERE v.leader_pid = a.pid
  )::pg_catalog.int4 AS workers,
  w.blocker_pid,
  CASE
    WHEN w.blocker_pid > 0 THEN a.pid = ANY (pg_catalog.pg_blocking_pids(w.blocker_pid))
  END AS blocker_waits_for_us,
  b.application_name AS blocker_application,
  b.usename::pg_catalog.text AS blocker_role,
  b.state AS blocker_state,
  b.query AS blocker_query,
  CASE WHEN w.blocker_pid = 0 THEN x.gid END AS blocker_gid,
  EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - CASE
    WHEN w.blocker_pid = 0 THEN x.prepared ELSE b.xact_start
  END)::pg_catalog.float8 AS blocker_xact_seconds
FROM pg_catalog.pg_stat_activity AS a
LEFT JOIN pg_catalog.pg_stat_progress_create_index AS p ON p.pid = a.pid
LEFT JOIN pg_catalog.pg_stat_progress_vacuum AS v ON v.pid = a.pid
LEFT JOIN pg_catalog.pg_stat_progress_analyze AS z ON z.pid = a.pid
LEFT JOIN LATERAL (
  SELECT CASE
    WHEN a.wait_event_type = 'Lock' THEN (
      SELECT k.pid
      FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(a.pid)) WITH ORDINALITY AS k (pid, place)
      WHERE k.pid <> ALL ($2::pg_catalog.int4[])
      ORDER BY k.place
      LIMIT 1
    )
  END AS blocker_pid
) AS w ON true
LEFT JOIN pg_catalog.pg_stat_activity AS b ON b.pid = w.blocker_pid
LEFT JOIN LATERAL (
  SELECT g.gid, g.prepared
  FROM pg_catalog.pg_prepared_xacts AS g
  JOIN pg_catalog.pg_locks AS l ON l.pid = a.pid AND NOT l.granted
  WHERE w.blocker_pid = 0
    AND g.database = pg_catalog.current_database()
    AND (
      l.transactionid = g.transaction
      OR EXISTS (
        SELECT FROM pg_catalog.pg_locks AS h
        WHERE h.pid IS NULL
          AND h.locktype = 'relation'
          AND h.relation = l.relation
          -- It keeps the virtual transaction that it was prepared in until the server is started anew.
          AND h.virtualtransaction = (
            SELECT o.virtualtransaction
            FROM pg_catalog.pg_locks AS o
            WHERE o.pid IS NULL
              AND o.locktype = 'transactionid'
              AND o.transactionid = g.transaction
          )
      )
    )
  ORDER BY g.prepared
  LIMIT 1
) AS x ON true
WHERE a.pid = ANY ($1::pg_catalog.int4[])
