-- Removes snapshots that were taken longer ago, and what only they needed.
-- $1: seconds. What the oldest that is left differs by is kept: it is the state that it begins with.
-- Returns how many snapshots were removed.
-- Privilege: SELECT and DELETE on the tables. Cost: what is removed, and the samples before the oldest
-- that is left.
WITH oldest AS (
  SELECT COALESCE(
    pg_catalog.min(p.id),
    (SELECT pg_catalog.max(q.id) FROM pgtend.snapshot AS q)
  ) AS id
  FROM pgtend.snapshot AS p
  WHERE p.taken_at >= pg_catalog.now() - pg_catalog.make_interval(secs => $1::pg_catalog.float8)
),
samples AS (
  DELETE FROM pgtend.sample AS m
  USING oldest AS o
  WHERE m.snapshot < o.id
    AND EXISTS (
      SELECT FROM pgtend.sample AS n
      WHERE n.statement = m.statement AND n.snapshot > m.snapshot AND n.snapshot <= o.id
    )
),
gone AS (
  DELETE FROM pgtend.statement AS k
  USING oldest AS o
  WHERE k.is_gone
    AND NOT EXISTS (
      SELECT FROM pgtend.sample AS n
      WHERE n.statement = k.id AND (n.snapshot > o.id OR n.calls IS NOT NULL)
    )
),
snapshots AS (
  DELETE FROM pgtend.snapshot AS p
  USING oldest AS o
  WHERE p.id < o.id
  RETURNING p.id
)
SELECT pg_catalog.count(*) AS pruned FROM snapshots
