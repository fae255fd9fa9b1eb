-- The WAL since the last reset of the counters.
-- Returns one row: bytes; page_images: whole pages in it; reset_seconds: since the last reset (NULL: never).
-- Privilege: none. Cost: one row from memory.
SELECT
  w.wal_bytes::pg_catalog.int8 AS bytes,
  w.wal_fpi AS page_images,
  pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - w.stats_reset) AS reset_seconds
FROM pg_catalog.pg_stat_wal AS w
