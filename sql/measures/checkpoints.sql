-- Checkpoints by time and by request, as measures (see readings.sql).
-- Returns kind, object, object_oid, direction, by_node, reset_at, value; no row from 17 on, where another view
-- counts them.
-- Privilege: none. Cost: one view of one row.
SELECT
  v.kind, 'server' AS object, 0::pg_catalog.oid AS object_oid, 1 AS direction, true AS by_node,
  b.stats_reset AS reset_at,
  v.value::pg_catalog.int8 AS value
FROM pg_catalog.pg_stat_bgwriter AS b
CROSS JOIN LATERAL (
  VALUES
    ('checkpoints_timed', pg_catalog.to_jsonb(b) ->> 'checkpoints_timed'),
    ('checkpoints_requested', pg_catalog.to_jsonb(b) ->> 'checkpoints_req')
) AS v (kind, value)
WHERE v.value IS NOT NULL
