-- What autovacuum has spent on the tables of this database, as a measure (see readings.sql), from 18 on.
-- Returns one row: kind, object, object_oid, direction, by_node, reset_at, value in ms. A VACUUM counts when it has
-- ended, and not any more when its table is dropped.
-- Privilege: none. Cost: pg_class once, two counters for each table.
SELECT
  'autovacuum_ms' AS kind, pg_catalog.quote_ident(d.datname) AS object, d.oid AS object_oid, 1 AS direction, true AS by_node,
  pg_catalog.pg_stat_get_db_stat_reset_time(d.oid) AS reset_at,
  t.value
FROM pg_catalog.pg_database AS d
CROSS JOIN (
  SELECT
    pg_catalog.sum(
      pg_catalog.pg_stat_get_total_autovacuum_time(c.oid)
      + pg_catalog.pg_stat_get_total_autoanalyze_time(c.oid)
    )::pg_catalog.int8 AS value
  FROM pg_catalog.pg_class AS c
  WHERE c.relkind IN ('r', 'm', 't')
) AS t
WHERE d.datname = pg_catalog.current_database()
