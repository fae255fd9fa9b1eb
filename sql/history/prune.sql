-- Removes from the history what began longer ago.
-- $1: seconds. Returns how many rows were removed.
-- Privilege: SELECT and DELETE on pgtend.run. Cost: what is removed, found by index.
WITH gone AS (
  DELETE FROM pgtend.run AS r
  WHERE r.started_at < pg_catalog.now() - pg_catalog.make_interval(secs => $1::pg_catalog.float8)
  RETURNING r.id
)
SELECT pg_catalog.count(*) AS pruned FROM gone
