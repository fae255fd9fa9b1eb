-- The subscriptions of this database, and the errors that they have met since the last reset of the counters.
-- Returns name as the server quotes it; is_enabled; is_running: its worker is there now; apply_errors, sync_errors:
-- of replaying, and of copying tables at the beginning; missing_rows: changes that found no row (NULL before 18);
-- reset_seconds: since the last reset (NULL: never).
-- Privilege: none. Cost: small views.
SELECT
  pg_catalog.quote_ident(s.subname::pg_catalog.text) AS name,
  s.subenabled AS is_enabled,
  EXISTS (
    SELECT FROM pg_catalog.pg_stat_subscription AS w
    WHERE w.subid = s.oid AND w.relid IS NULL AND w.pid IS NOT NULL
  ) AS is_running,
  e.apply_error_count AS apply_errors,
  -- Since 19 they are counted apart, for tables and sequences.
  COALESCE(
    (pg_catalog.to_jsonb(e) ->> 'sync_error_count')::pg_catalog.int8,
    (pg_catalog.to_jsonb(e) ->> 'sync_table_error_count')::pg_catalog.int8,
    0::pg_catalog.int8
  ) AS sync_errors,
  (pg_catalog.to_jsonb(e) ->> 'confl_update_missing')::pg_catalog.int8
    + (pg_catalog.to_jsonb(e) ->> 'confl_delete_missing')::pg_catalog.int8 AS missing_rows,
  pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - e.stats_reset) AS reset_seconds
FROM pg_catalog.pg_subscription AS s
JOIN pg_catalog.pg_stat_subscription_stats AS e ON e.subid = s.oid
WHERE s.subdbid = (
  SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()
)
