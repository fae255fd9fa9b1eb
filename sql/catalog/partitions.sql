-- The partitions of the given partitioned tables, each table itself included.
-- $1: oids of partitioned tables. Returns a row a member, parents before children: parent_oid (NULL
-- for the table itself), kind as pg_class.relkind, and for a partitioned member its key: key_columns and
-- whether expressions are part of it.
-- Privilege: none. Cost: index look-ups, one a partition; an AccessShare lock on each for a moment.
SELECT
  r.root_oid,
  c.oid,
  p.parentrelid::pg_catalog.oid AS parent_oid,
  n.nspname::pg_catalog.text AS schema,
  c.relname::pg_catalog.text AS name,
  c.relkind::pg_catalog.text AS kind,
  c.relpages::pg_catalog.int8 * pg_catalog.current_setting('block_size')::pg_catalog.int8
    AS size_bytes,
  (
    SELECT pg_catalog.array_agg(a.attname::pg_catalog.text)
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = c.oid AND a.attnum = ANY (k.partattrs::pg_catalog.int2[]) AND a.attnum > 0
  ) AS key_columns,
  k.partexprs IS NOT NULL AS has_key_expressions
FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS r (root_oid)
CROSS JOIN LATERAL pg_catalog.pg_partition_tree(r.root_oid) AS p
JOIN pg_catalog.pg_class AS c ON c.oid = p.relid::pg_catalog.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_partitioned_table AS k ON k.partrelid = c.oid
ORDER BY r.root_oid, p.level, n.nspname, c.relname
