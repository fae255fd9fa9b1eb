-- Candidates and the indexes of the partitions that belong to them.
-- $1: names of candidates.
-- Returns root: the candidate's name, oid and table_oid of each index.
WITH RECURSIVE trees AS (
  SELECT c.relname::pg_catalog.text AS root, c.oid
  FROM pg_catalog.pg_class AS c
  WHERE c.relname = ANY ($1::pg_catalog.text[]::pg_catalog.name[]) AND c.relkind IN ('i', 'I')
  UNION ALL
  SELECT t.root, h.inhrelid
  FROM trees AS t JOIN pg_catalog.pg_inherits AS h ON h.inhparent = t.oid
)
SELECT t.root, t.oid, x.indrelid AS table_oid
FROM trees AS t
JOIN pg_catalog.pg_index AS x ON x.indexrelid = t.oid
