-- Tables and their partitions, as far as they have files.
-- $1: names, as SQL, which the search path of the session resolves.
-- Returns oid, file: its path, and filenode.
WITH RECURSIVE tables AS (
  SELECT pg_catalog.to_regclass(w.name)::pg_catalog.oid AS oid
  FROM pg_catalog.unnest($1::pg_catalog.text[]) AS w (name)
  UNION
  SELECT h.inhrelid
  FROM tables AS t JOIN pg_catalog.pg_inherits AS h ON h.inhparent OPERATOR(pg_catalog.=) t.oid
)
SELECT c.oid, pg_catalog.pg_relation_filepath(c.oid) AS file, c.relfilenode AS filenode
FROM tables AS t
JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) t.oid
WHERE c.relkind::pg_catalog.text OPERATOR(pg_catalog.=) ANY ('{r,m}'::pg_catalog.text[])
