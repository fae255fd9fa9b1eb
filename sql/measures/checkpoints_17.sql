-- Checkpoints by time and by request, as measures (see readings.sql), from 17 on.
-- Returns kind, object, object_oid, direction, by_node, reset_at, value.
-- Privilege: none. Cost: one view of one row.
SELECT
  v.kind, 'server' AS object, 0::pg_catalog.oid AS object_oid, 1 AS direction, true AS by_node,
  c.stats_reset AS reset_at,
  v.value
FROM pg_catalog.pg_stat_checkpointer AS c
CROSS JOIN LATERAL (
  VALUES ('checkpoints_timed', c.num_timed), ('checkpoints_requested', c.num_requested)
) AS v (kind, value)
