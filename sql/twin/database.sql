-- The database as such: what a copy of it has to be made with.
-- Returns one JSON object (struct twin::data::Origin). Privilege: none. Cost: none.
SELECT pg_catalog.json_build_object(
  'database', d.datname,
  'version_num', pg_catalog.current_setting('server_version_num')::pg_catalog.int4,
  'encoding', pg_catalog.pg_encoding_to_char(d.encoding),
  'collate', d.datcollate,
  'ctype', d.datctype,
  'provider', COALESCE(pg_catalog.to_jsonb(d) ->> 'datlocprovider', 'c'),
  'locale',
    COALESCE(pg_catalog.to_jsonb(d) ->> 'datlocale', pg_catalog.to_jsonb(d) ->> 'daticulocale'),
  'taken_at', pg_catalog.to_char(
    pg_catalog.timezone('UTC', pg_catalog.now()), 'YYYY-MM-DD"T"HH24:MI:SS"Z"'
  ),
  'counted_seconds', pg_catalog.date_part('epoch', pg_catalog.now() - COALESCE(
    pg_catalog.pg_stat_get_db_stat_reset_time(d.oid), pg_catalog.pg_postmaster_start_time()
  )),
  'block_size', pg_catalog.current_setting('block_size')::pg_catalog.int4,
  'sees_pg_statistic', pg_catalog.has_table_privilege('pg_catalog.pg_statistic', 'SELECT')
)::pg_catalog.text AS object
FROM pg_catalog.pg_database AS d
WHERE d.datname = pg_catalog.current_database()
