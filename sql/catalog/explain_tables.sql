-- How large the tables are that a plan reads.
-- $1: schemas; $2: names; both of one length. Returns a row for each pair that names a relation. rows and
-- size_bytes as of the last VACUUM, ANALYZE or index build; where there was none, rows by the
-- statistics and no size; NULL: not known. root_schema and root_name: the topmost partitioned table
-- that it is part of. No size function is used: it would take a lock on the relation.
-- Asked also in a session whose search path is a migration's, so that operators are named with their schema.
-- Privilege: none. Cost: index look-ups, one a name.
SELECT
  n.nspname::pg_catalog.text AS schema,
  c.relname::pg_catalog.text AS name,
  CASE
    WHEN c.reltuples OPERATOR(pg_catalog.>=) 0::pg_catalog.float4 THEN c.reltuples::pg_catalog.float8
    WHEN l.rows OPERATOR(pg_catalog.<>) 0::pg_catalog.int8 THEN l.rows::pg_catalog.float8
  END AS rows,
  CASE
    WHEN c.reltuples OPERATOR(pg_catalog.>=) 0::pg_catalog.float4 THEN
      c.relpages::pg_catalog.int8
      OPERATOR(pg_catalog.*) pg_catalog.current_setting('block_size')::pg_catalog.int8
  END AS size_bytes,
  rn.nspname::pg_catalog.text AS root_schema,
  r.relname::pg_catalog.text AS root_name
FROM ROWS FROM (
  pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])
) AS q (schema, name)
JOIN pg_catalog.pg_namespace AS n ON n.nspname OPERATOR(pg_catalog.=) q.schema
JOIN pg_catalog.pg_class AS c
  ON c.relnamespace OPERATOR(pg_catalog.=) n.oid AND c.relname OPERATOR(pg_catalog.=) q.name
CROSS JOIN LATERAL (SELECT pg_catalog.pg_stat_get_live_tuples(c.oid) AS rows) AS l
LEFT JOIN pg_catalog.pg_class AS r
  ON c.relispartition
  AND r.oid OPERATOR(pg_catalog.=) pg_catalog.pg_partition_root(c.oid)::pg_catalog.oid
LEFT JOIN pg_catalog.pg_namespace AS rn ON rn.oid OPERATOR(pg_catalog.=) r.relnamespace
