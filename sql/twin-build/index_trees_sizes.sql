-- Indexes and those of their partitions, with their sizes.
-- $1: names of indexes.
-- Returns root, oid, name and bytes for each, and its table's schema and name.
WITH RECURSIVE trees AS (
  SELECT c.relname::pg_catalog.text AS root, c.oid
  FROM pg_catalog.pg_class AS c
  WHERE c.relname = ANY ($1::pg_catalog.text[]::pg_catalog.name[]) AND c.relkind IN ('i', 'I')
  UNION ALL
  SELECT t.root, h.inhrelid
  FROM trees AS t JOIN pg_catalog.pg_inherits AS h ON h.inhparent = t.oid
)
SELECT
  t.root,
  t.oid,
  c.relname::pg_catalog.text AS name,
  n.nspname::pg_catalog.text AS table_schema,
  b.relname::pg_catalog.text AS table_name,
  pg_catalog.pg_relation_size(t.oid) AS bytes
FROM trees AS t
JOIN pg_catalog.pg_class AS c ON c.oid = t.oid
JOIN pg_catalog.pg_index AS x ON x.indexrelid = t.oid
JOIN pg_catalog.pg_class AS b ON b.oid = x.indrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = b.relnamespace
ORDER BY t.oid
