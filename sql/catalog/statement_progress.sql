-- How far our own statements are, and for whom they wait.
-- $1: pids of our backends. phase and counters of an index build, NULL for anything else: blocks,
-- tuples or lockers done and in all (0 in all: the phase does not count them). blocker_*: who holds
-- the lock that is waited for, NULL when nothing is; blocker_xact_seconds: age of its transaction.
-- Privilege: none for one's own role's backends; pg_read_all_stats to see what the blocker does.
-- Cost: two views; the lock table only while something waits.
SELECT
  a.pid,
  p.phase,
  p.blocks_done,
  p.blocks_total,
  p.tuples_done,
  p.tuples_total,
  p.lockers_done,
  p.lockers_total,
  w.blocker_pid,
  b.application_name AS blocker_application,
  b.usename::pg_catalog.text AS blocker_role,
  b.state AS blocker_state,
  EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - b.xact_start)::pg_catalog.float8
    AS blocker_xact_seconds
FROM pg_catalog.pg_stat_activity AS a
LEFT JOIN pg_catalog.pg_stat_progress_create_index AS p ON p.pid = a.pid
LEFT JOIN LATERAL (
  SELECT CASE
    WHEN a.wait_event_type = 'Lock' THEN (pg_catalog.pg_blocking_pids(a.pid))[1]
  END AS blocker_pid
) AS w ON true
LEFT JOIN pg_catalog.pg_stat_activity AS b ON b.pid = w.blocker_pid
WHERE a.pid = ANY ($1::pg_catalog.int4[])
