-- Indexes and those of their partitions.
-- $1: their schemas; $2: their names.
-- Returns root_schema, root_name and oid for each.
WITH RECURSIVE wanted AS (
  SELECT c.oid AS root_oid, c.oid
  FROM ROWS FROM (
    pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])
  ) AS w (schema, name)
  JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema
  JOIN pg_catalog.pg_class AS c
    ON c.relnamespace = n.oid AND c.relname = w.name AND c.relkind IN ('i', 'I')
  UNION ALL
  SELECT w.root_oid, h.inhrelid
  FROM wanted AS w JOIN pg_catalog.pg_inherits AS h ON h.inhparent = w.oid
)
SELECT
  n.nspname::pg_catalog.text AS root_schema,
  r.relname::pg_catalog.text AS root_name,
  w.oid
FROM wanted AS w
JOIN pg_catalog.pg_class AS r ON r.oid = w.root_oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = r.relnamespace
