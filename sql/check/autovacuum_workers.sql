-- The autovacuum workers of this moment.
-- Returns a row for each: seconds: for how long it has been at its table; is_held_back: it sleeps now, because of
-- its limit of cost; of a table of this database that it reads: table_object as the server quotes it, read_bytes and
-- table_bytes (else NULL).
-- Privilege: pg_read_all_stats, else none is seen. Cost: two small views.
SELECT
  COALESCE(
    pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - a.xact_start),
    0::pg_catalog.float8
  ) AS seconds,
  COALESCE(a.wait_event = 'VacuumDelay', false) AS is_held_back,
  CASE WHEN c.oid IS NOT NULL THEN pg_catalog.format('%I.%I', n.nspname, c.relname) END
    AS table_object,
  v.heap_blks_scanned * 8192::pg_catalog.int8 AS read_bytes,
  v.heap_blks_total * 8192::pg_catalog.int8 AS table_bytes
FROM pg_catalog.pg_stat_activity AS a
LEFT JOIN pg_catalog.pg_stat_progress_vacuum AS v
  ON v.pid = a.pid
  AND v.datname = pg_catalog.current_database()
  AND v.phase IN ('scanning heap', 'vacuuming indexes', 'vacuuming heap')
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = v.relid
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE a.backend_type = 'autovacuum worker'
