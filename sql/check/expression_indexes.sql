-- The indexes on expressions whose expressions have no statistics, on tables that were analyzed.
-- Returns object, table_object, rows of the table, may_read: the role may see whether there are some.
-- Privilege: SELECT on the table, or pg_read_all_data. Cost: pg_stats for the indexes on expressions.
SELECT
  pg_catalog.format('%I.%I', n.nspname, c.relname) AS object,
  pg_catalog.format('%I.%I', tn.nspname, t.relname) AS table_object,
  t.reltuples::pg_catalog.float8 AS rows,
  pg_catalog.has_table_privilege(c.oid, 'SELECT') AS may_read
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
WHERE i.indexprs IS NOT NULL
  AND i.indisvalid
  AND c.relkind = 'i'
  AND c.relpersistence <> 't'
  AND t.reltuples > 0::pg_catalog.float4
  AND t.oid >= 16384::pg_catalog.oid
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_stats AS s
    WHERE s.schemaname = n.nspname AND s.tablename = c.relname
  )
