-- What the last runs of commands came to, object by object.
-- $1: the commands. Returns a row for each object among the last steps of the history: object as the
-- history names it; was_left: there was no time for it in the last run; median_duration_ms of the
-- runs that did it (NULL: none); done_bytes and done_ms of these in all.
-- Privilege: SELECT on pgtend.run. Cost: at most the last 20,000 rows, by the primary key.
SELECT
  t.object,
  (pg_catalog.array_agg(t.outcome ORDER BY t.id DESC))[1] = 'skipped' AS was_left,
  pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY t.duration_ms)
    FILTER (WHERE t.outcome = 'done') AS median_duration_ms,
  LEAST(
    COALESCE(pg_catalog.sum(t.size_bytes) FILTER (WHERE t.outcome = 'done'), 0),
    9000000000000000000
  )::pg_catalog.int8 AS done_bytes,
  COALESCE(
    pg_catalog.sum(t.duration_ms) FILTER (WHERE t.outcome = 'done' AND t.size_bytes IS NOT NULL), 0
  ) AS done_ms
FROM (
  SELECT r.id, r.command, r.object, r.outcome, r.duration_ms, r.size_bytes
  FROM pgtend.run AS r
  ORDER BY r.id DESC
  LIMIT 20000
) AS t
WHERE t.command = ANY ($1::pg_catalog.text[])
  -- Neither infinite nor longer than 300 years; no sum of them overflows.
  AND t.duration_ms < 1e13::pg_catalog.float8
  AND COALESCE(t.size_bytes, 0) >= 0
GROUP BY t.object
