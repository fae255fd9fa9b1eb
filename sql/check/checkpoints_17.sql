-- The checkpoints since the last reset of the counters.
-- Returns one row: timed, and requested because too much WAL was written, or by hand; backend_fsyncs: times when a
-- session had to flush a file itself; reset_seconds: since the last reset (NULL: never).
-- Privilege: none. Cost: small views.
SELECT
  c.num_timed AS timed,
  c.num_requested AS requested,
  (
    SELECT COALESCE(pg_catalog.sum(i.fsyncs)::pg_catalog.int8, 0::pg_catalog.int8)
    FROM pg_catalog.pg_stat_io AS i
    WHERE i.backend_type = 'client backend' AND i.object = 'relation'
  ) AS backend_fsyncs,
  pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - c.stats_reset) AS reset_seconds
FROM pg_catalog.pg_stat_checkpointer AS c
