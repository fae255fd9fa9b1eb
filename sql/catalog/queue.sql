-- Who waits for the tables that our own statements hold.
-- $1: pids of our backends. Returns, for each session that one of them blocks on a relation: pid and
-- what it is, the mode it waits for, whether it waits with a snapshot (then a concurrent build will
-- wait for it in turn: a deadlock), for how long, and how many others wait for the same relation.
-- Privilege: none; pg_read_all_stats to see what others do. Cost: the lock table, once, and once
-- more a waiting session.
SELECT
  o.our_pid,
  l.pid,
  l.relation::pg_catalog.regclass::pg_catalog.text AS relation,
  l.mode,
  a.application_name AS application,
  a.usename::pg_catalog.text AS role,
  a.state,
  a.query,
  a.backend_xmin IS NOT NULL AS has_snapshot,
  EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - l.waitstart)::pg_catalog.float8
    AS waits_seconds,
  EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - a.xact_start)::pg_catalog.float8
    AS xact_seconds,
  (
    SELECT pg_catalog.count(*)
    FROM pg_catalog.pg_locks AS q
    WHERE q.locktype = 'relation'
      AND NOT q.granted
      AND q.database = l.database
      AND q.relation = l.relation
      AND q.pid <> l.pid
  )::pg_catalog.int4 AS queued_behind
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.unnest($1::pg_catalog.int4[]) AS o (our_pid)
  ON o.our_pid = ANY (pg_catalog.pg_blocking_pids(l.pid))
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND NOT l.granted AND l.pid <> ALL ($1::pg_catalog.int4[])
