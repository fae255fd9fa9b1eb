-- The last refresh of each materialized view that ended so.
-- $1: only those with a greater id. Returns object_oid, outcome, started_epoch in seconds since 1970, duration_ms;
-- rows_changed and size_bytes (NULL where it is not known).
-- Privilege: SELECT on pgtend.run. Cost: these rows, by index.
SELECT DISTINCT ON (r.object_oid, r.outcome)
  r.object_oid,
  r.outcome,
  pg_catalog.date_part('epoch', r.started_at) AS started_epoch,
  r.duration_ms,
  r.rows_inserted + r.rows_updated + r.rows_deleted AS rows_changed,
  r.size_bytes
FROM pgtend.run AS r
WHERE r.id > $1::pg_catalog.int8
  AND r.command = 'refresh'
  AND r.action = 'refresh_view'
  AND r.object_oid IS NOT NULL
  AND r.started_at <= pg_catalog.now()
ORDER BY r.object_oid, r.outcome, r.started_at DESC
