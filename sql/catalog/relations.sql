-- What the declared names of tables and views mean here.
-- $1: schemas, NULL where the search path decides; $2: names; both of one length; $3: the schemas of
-- the search path in their order. Returns a row for each pair that names a relation, with ord (from 1) to tell which. size_bytes and row_estimate as
-- of the last VACUUM, ANALYZE or index build (row_estimate -1: never); *_ago_seconds: since it was last
-- done by hand or by autovacuum, NULL: not since the statistics were reset. No size function is
-- used: it would take a lock on the relation.
-- Privilege: none. Cost: index look-ups, one a name.
SELECT
  q.ord::pg_catalog.int4 AS ord,
  c.oid,
  n.nspname::pg_catalog.text AS schema,
  c.relname::pg_catalog.text AS name,
  c.relkind::pg_catalog.text AS kind,
  pg_catalog.pg_has_role(c.relowner, 'USAGE') AS owned,
  pg_catalog.has_schema_privilege(n.oid, 'CREATE') AS may_create_in_schema,
  pg_catalog.pg_has_role(c.relowner, 'USAGE')
    OR (
      SELECT pg_catalog.pg_has_role(d.datdba, 'USAGE')
      FROM pg_catalog.pg_database AS d
      WHERE d.datname = pg_catalog.current_database()
    )
    OR CASE
      WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 170000
        THEN pg_catalog.has_table_privilege(c.oid, 'MAINTAIN')
      ELSE false
    END AS may_maintain,
  pg_catalog.pg_get_userbyid(c.relowner)::pg_catalog.text AS owner,
  c.reltuples::pg_catalog.float8 AS row_estimate,
  c.relpages::pg_catalog.int8 * pg_catalog.current_setting('block_size')::pg_catalog.int8
    AS size_bytes,
  c.relispopulated AS is_populated,
  pg_catalog.obj_description(c.oid, 'pg_class') AS comment,
  EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - GREATEST(
    pg_catalog.pg_stat_get_last_analyze_time(c.oid),
    pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid)
  ))::pg_catalog.float8 AS analyzed_ago_seconds,
  EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - GREATEST(
    pg_catalog.pg_stat_get_last_vacuum_time(c.oid),
    pg_catalog.pg_stat_get_last_autovacuum_time(c.oid)
  ))::pg_catalog.float8 AS vacuumed_ago_seconds
FROM ROWS FROM (
  pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])
) WITH ORDINALITY AS q (schema, name, ord)
JOIN pg_catalog.pg_class AS c ON c.oid = (
  SELECT s.oid
  FROM pg_catalog.pg_class AS s
  JOIN pg_catalog.pg_namespace AS sn ON sn.oid = s.relnamespace
  WHERE s.relname = q.name
    AND sn.nspname = ANY (CASE WHEN q.schema IS NULL THEN $3::pg_catalog.text[] ELSE ARRAY[q.schema] END)
  ORDER BY pg_catalog.array_position($3::pg_catalog.text[], sn.nspname::pg_catalog.text)
  LIMIT 1
)
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
ORDER BY q.ord
