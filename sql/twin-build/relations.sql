-- The tables and indexes of the twin, with their files.
-- Returns schema, name, oid, file: its path below the data directory; NULL: it has none.
SELECT
  n.nspname::pg_catalog.text AS schema,
  c.relname::pg_catalog.text AS name,
  c.oid,
  CASE WHEN c.relkind IN ('r', 'm', 'i') THEN pg_catalog.pg_relation_filepath(c.oid) END AS file
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 'i', 'p', 'I')
  AND n.nspname <> ALL ('{pg_catalog,information_schema,pg_toast}'::pg_catalog.name[])
