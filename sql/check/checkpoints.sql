-- The checkpoints since the last reset of the counters.
-- Returns one row: timed, and requested because too much WAL was written, or by hand; backend_fsyncs: times when a
-- session had to flush a file itself; reset_seconds: since the last reset (NULL: never).
-- Privilege: none. Cost: one row from memory.
SELECT
  -- Since 17 these columns are of another view.
  (pg_catalog.to_jsonb(b) ->> 'checkpoints_timed')::pg_catalog.int8 AS timed,
  (pg_catalog.to_jsonb(b) ->> 'checkpoints_req')::pg_catalog.int8 AS requested,
  (pg_catalog.to_jsonb(b) ->> 'buffers_backend_fsync')::pg_catalog.int8 AS backend_fsyncs,
  pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - b.stats_reset) AS reset_seconds
FROM pg_catalog.pg_stat_bgwriter AS b
