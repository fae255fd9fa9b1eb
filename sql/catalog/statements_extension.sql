-- Whether and how this database's statements are counted.
-- Returns one row. version, schema: of the extension in this database, NULL where it is absent;
-- columns: what its function returns, by name; has_info: whether it tells of resets and evictions;
-- max_statements: how many it counts, NULL where its library is not loaded; is_available: it is
-- installed on the server's machine, in available_version; sees_all: this role sees the statements
-- of others; tracks_io, tracks_planning: those times are measured; epochs in seconds; system_id:
-- what tells this cluster from others, NULL where the role may not know. is_superuser: this role.
-- Privilege: none. Cost: a few rows of the catalog.
-- Only the extension's own functions count: whoever may create in its schema may have made others of
-- these names.
WITH own AS (
  SELECT e.refobjid AS extension, p.proname AS name, p.proargnames AS columns
  FROM pg_catalog.pg_depend AS e
  JOIN pg_catalog.pg_proc AS p ON p.oid = e.objid
  WHERE e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid
    AND e.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass::pg_catalog.oid
    AND e.deptype = 'e'::pg_catalog."char"
)
SELECT
  x.extversion AS version,
  n.nspname::pg_catalog.text AS schema,
  COALESCE(f.columns, '{}') AS columns,
  EXISTS (
    SELECT FROM own AS i
    WHERE i.extension = x.oid AND i.name = 'pg_stat_statements_info'::pg_catalog.name
  ) AS has_info,
  pg_catalog.current_setting('pg_stat_statements.max', true)::pg_catalog.int8 AS max_statements,
  a.default_version AS available_version,
  a.name IS NOT NULL AS is_available,
  pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') AS sees_all,
  pg_catalog.current_setting('track_io_timing')::pg_catalog.bool AS tracks_io,
  COALESCE(
    pg_catalog.current_setting('pg_stat_statements.track_planning', true)::pg_catalog.bool, false
  ) AS tracks_planning,
  pg_catalog.date_part('epoch', pg_catalog.pg_postmaster_start_time()) AS started_epoch,
  d.oid AS dbid,
  r.rolsuper AS is_superuser,
  r.oid AS userid,
  pg_catalog.pg_is_in_recovery() AS in_recovery,
  CASE
    WHEN pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')
      THEN (SELECT c.system_identifier FROM pg_catalog.pg_control_system() AS c)
  END AS system_id
FROM pg_catalog.pg_database AS d
JOIN pg_catalog.pg_roles AS r ON r.rolname = CURRENT_USER
LEFT JOIN pg_catalog.pg_extension AS x ON x.extname = 'pg_stat_statements'
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = x.extnamespace
LEFT JOIN pg_catalog.pg_available_extensions AS a ON a.name = 'pg_stat_statements'
LEFT JOIN own AS f ON f.extension = x.oid AND f.name = 'pg_stat_statements'::pg_catalog.name
WHERE d.datname = pg_catalog.current_database()
