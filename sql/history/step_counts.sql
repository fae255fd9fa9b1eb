-- How many steps of each command ended how, and the last of them.
-- $1: only those with a greater id. Returns command, outcome, steps, last_id; started_epoch and duration_ms of the one
-- that began last, in seconds since 1970 and in ms (NULL where all began in the future).
-- Privilege: SELECT on pgtend.run. Cost: these rows, by index.
SELECT
  r.command,
  r.outcome,
  pg_catalog.count(*) AS steps,
  pg_catalog.max(r.id) AS last_id,
  pg_catalog.date_part(
    'epoch', pg_catalog.max(r.started_at) FILTER (WHERE r.started_at <= pg_catalog.now())
  ) AS started_epoch,
  (
    pg_catalog.array_agg(r.duration_ms ORDER BY r.started_at DESC)
    FILTER (WHERE r.started_at <= pg_catalog.now())
  )[1] AS duration_ms
FROM pgtend.run AS r
WHERE r.id > $1::pg_catalog.int8
GROUP BY r.command, r.outcome
