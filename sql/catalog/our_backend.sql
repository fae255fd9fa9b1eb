-- Whether a backend of ours still works on a statement after its connection was lost.
-- $1: its pid; $2: the statement. Returns a row while it does.
-- Privilege: none for one's own role's backends. Cost: one view.
SELECT a.pid
FROM pg_catalog.pg_stat_activity AS a
WHERE a.pid = $1::pg_catalog.int4
  AND a.query = $2::pg_catalog.text
  AND a.state = 'active'
