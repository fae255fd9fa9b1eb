-- Removes measurements that no snapshot that is left needs: all but the last one before it begins. And
-- measures that were gone by then.
-- Returns how many measurements were removed.
-- Privilege: SELECT and DELETE on the tables. Cost: pgtend.measurement three times.
WITH oldest AS MATERIALIZED (
  SELECT pg_catalog.min(p.id) AS id FROM pgtend.snapshot AS p
),
begins AS MATERIALIZED (
  SELECT v.measure, pg_catalog.max(v.snapshot) AS snapshot
  FROM pgtend.measurement AS v
  WHERE v.snapshot <= (SELECT o.id FROM oldest AS o)
  GROUP BY v.measure
),
gone AS (
  DELETE FROM pgtend.measure AS k
  WHERE k.value IS NULL
    AND NOT EXISTS (
      SELECT FROM pgtend.measurement AS n
      WHERE n.measure = k.id AND n.snapshot > (SELECT o.id FROM oldest AS o)
    )
),
removed AS (
  DELETE FROM pgtend.measurement AS v
  USING begins AS b
  WHERE v.measure = b.measure
    AND (v.snapshot < b.snapshot OR (v.snapshot = b.snapshot AND v.value IS NULL))
  RETURNING v.measure
)
SELECT pg_catalog.count(*) AS pruned FROM removed
