-- Since when statements are counted, and how many the server had to forget.
-- In braces: schema, that of the extension. Returns one row: stats_reset_epoch in seconds, dealloc.
-- Privilege: none. Cost: two counters.
SELECT
  pg_catalog.date_part('epoch', i.stats_reset) AS stats_reset_epoch,
  i.dealloc
FROM {schema}.pg_stat_statements_info() AS i
