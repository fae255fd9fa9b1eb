-- The settings that decide how statements are planned and what their texts mean, as a session of a
-- role in this database has them from the start.
-- $1: the role.
-- Returns name and value (with its unit as SET takes it). Asked in a session that has begun as the role
-- and the database say. is_guess: it is set for the role of that session, and what stands below is not
-- shown, so that PostgreSQL's own default is returned. Privilege: none. Cost: small.
SELECT
  s.name::pg_catalog.text AS name,
  COALESCE(
    own.value,
    (CASE WHEN s.source IN ('user', 'database user') THEN s.boot_val ELSE s.reset_val END)
      || COALESCE(s.unit_suffix, '')
  ) AS value,
  own.value IS NULL AND s.source IN ('user', 'database user') AS is_guess
FROM (
  SELECT p.*, CASE WHEN p.unit IN ('8kB', 'MB', 'kB', 'B', 'ms', 's', 'min') AND p.unit <> '8kB'
    THEN p.unit END AS unit_suffix
  FROM pg_catalog.pg_settings AS p
) AS s
LEFT JOIN LATERAL (
  SELECT pg_catalog.substr(c.entry, pg_catalog.strpos(c.entry, '=') + 1) AS value
  FROM pg_catalog.pg_db_role_setting AS d
  CROSS JOIN LATERAL pg_catalog.unnest(d.setconfig) AS c (entry)
  WHERE d.setrole IN (
      0::pg_catalog.oid, (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = $1::pg_catalog.text)
    )
    AND d.setdatabase IN (
      0::pg_catalog.oid, (SELECT b.oid FROM pg_catalog.pg_database AS b WHERE b.datname = pg_catalog.current_database())
    )
    AND pg_catalog.split_part(c.entry, '=', 1) = s.name
  ORDER BY d.setrole <> 0::pg_catalog.oid AND d.setdatabase <> 0::pg_catalog.oid DESC,
    d.setrole <> 0::pg_catalog.oid DESC
  LIMIT 1
) AS own ON true
WHERE pg_catalog.starts_with(s.category, 'Query Tuning')
   OR s.name IN (
     'work_mem', 'hash_mem_multiplier', 'temp_buffers', 'max_parallel_workers',
     'max_parallel_workers_per_gather', 'parallel_leader_participation', 'effective_io_concurrency',
     'search_path', 'TimeZone', 'DateStyle', 'IntervalStyle', 'default_text_search_config',
     'row_security', 'bytea_output', 'array_nulls', 'transform_null_equals',
     'standard_conforming_strings', 'xmloption', 'xmlbinary', 'lc_monetary', 'lc_numeric', 'lc_time',
     'default_transaction_isolation', 'default_tablespace'
   )
ORDER BY s.name
