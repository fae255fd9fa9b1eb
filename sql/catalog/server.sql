-- What kind of server and session this is.
-- $1, $2: the statement_timeout and lock_timeout that the start-up options ask for.
-- Returns one row. server_version_num: as SHOW gives it. block_size_bytes: bytes. may_create_temp:
-- TEMP privilege on this database. sees_all_statistics: other roles' activity is visible.
-- settings_taken: the start-up options arrived (a pooler may drop them without a word).
-- Privilege: none. Cost: no table is read.
SELECT
  pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS server_version_num,
  pg_catalog.current_database()::pg_catalog.text AS database,
  CURRENT_USER::pg_catalog.text AS role,
  pg_catalog.current_schema()::pg_catalog.text AS current_schema,
  pg_catalog.pg_is_in_recovery() AS in_recovery,
  pg_catalog.current_setting('transaction_read_only')::pg_catalog.bool AS read_only,
  pg_catalog.current_setting('block_size')::pg_catalog.int8 AS block_size_bytes,
  pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMP') AS may_create_temp,
  pg_catalog.pg_has_role(CURRENT_USER, 'pg_read_all_stats', 'USAGE') AS sees_all_statistics,
  (
    SELECT s.setting::pg_catalog.int8 FROM pg_catalog.pg_settings AS s
    WHERE s.name = 'deadlock_timeout'
  ) AS deadlock_timeout_ms,
  pg_catalog.current_setting('statement_timeout')::pg_catalog.interval
    = $1::pg_catalog.text::pg_catalog.interval
  AND pg_catalog.current_setting('lock_timeout')::pg_catalog.interval
    = $2::pg_catalog.text::pg_catalog.interval AS settings_taken,
  pg_catalog.pg_backend_pid() AS pid
