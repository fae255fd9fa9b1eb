-- Indexes that the planner does not use, because a build of them broke off or because a partition of
-- their table has no index that is attached to them.
-- Returns oid, schema, name, the table's name and number, and is_partitioned, in order of the names. Indexes
-- of the system's own schemas and of temporary tables are left out.
-- Privilege: none. Cost: reads pg_index once.
SELECT
  i.oid,
  n.nspname::pg_catalog.text AS schema,
  i.relname::pg_catalog.text AS name,
  t.relname::pg_catalog.text AS table,
  x.indrelid AS table_oid,
  i.relkind = 'I' AS is_partitioned
FROM pg_catalog.pg_index AS x
JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
JOIN pg_catalog.pg_class AS t ON t.oid = x.indrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = i.relnamespace
WHERE NOT (x.indisvalid AND x.indisready AND x.indislive)
  AND i.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
ORDER BY n.nspname, i.relname
