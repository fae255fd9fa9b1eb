-- What kind of server and session this is.
-- $1: the names in the user's search path. Returns one row. server_version_num: as SHOW gives it.
-- schemas: those of the names that exist and that the role may use, in their order, as
-- current_schemas(false) would give them. block_size_bytes: bytes. may_create_temp: TEMP privilege
-- on this database. sees_all_statistics: other roles' activity is visible.
-- Privilege: none. Cost: a look-up for each name.
SELECT
  pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS server_version_num,
  pg_catalog.current_database()::pg_catalog.text AS database,
  CURRENT_USER::pg_catalog.text AS role,
  ARRAY(
    SELECT n.nspname::pg_catalog.text
    FROM pg_catalog.unnest($1::pg_catalog.text[]) WITH ORDINALITY AS p (name, place)
    JOIN pg_catalog.pg_namespace AS n
      ON n.nspname = CASE
        WHEN p.name = '$user'::pg_catalog.text THEN CURRENT_USER::pg_catalog.text ELSE p.name
      END
    WHERE pg_catalog.has_schema_privilege(n.oid, 'USAGE')
    ORDER BY p.place
  ) AS schemas,
  pg_catalog.pg_is_in_recovery() AS in_recovery,
  pg_catalog.current_setting('transaction_read_only')::pg_catalog.bool AS read_only,
  pg_catalog.current_setting('block_size')::pg_catalog.int8 AS block_size_bytes,
  pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMP') AS may_create_temp,
  pg_catalog.pg_has_role(CURRENT_USER, 'pg_read_all_stats', 'USAGE') AS sees_all_statistics,
  (
    SELECT s.setting::pg_catalog.int8 FROM pg_catalog.pg_settings AS s
    WHERE s.name = 'deadlock_timeout'::pg_catalog.text
  ) AS deadlock_timeout_ms
