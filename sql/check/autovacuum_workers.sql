-- The autovacuum workers of this moment.
-- Returns a row for each: seconds: for how long it has been at its table.
-- Privilege: pg_read_all_stats, else none is seen. Cost: one small view.
SELECT
  COALESCE(
    pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start),
    0::pg_catalog.float8
  ) AS seconds
FROM pg_catalog.pg_stat_activity AS a
WHERE a.backend_type = 'autovacuum worker'
