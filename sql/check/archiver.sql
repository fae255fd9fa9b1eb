-- How archiving goes.
-- Returns one row: failures since the last reset of the counters; archived_seconds and failed_seconds: since a WAL
-- file was archived, and since that failed last (NULL: never since the reset).
-- Privilege: none. Cost: one row from memory.
SELECT
  a.failed_count AS failures,
  pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.last_archived_time)
    AS archived_seconds,
  pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.last_failed_time)
    AS failed_seconds
FROM pg_catalog.pg_stat_archiver AS a
