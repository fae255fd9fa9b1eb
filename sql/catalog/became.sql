-- What has become of a table and an index, whatever they are called now.
-- $1, $2: their oids (0: none). Returns one row: table_schema and table_name, index_schema and index_name,
-- NULL for what is gone.
-- Privilege: none. Cost: look-ups.
SELECT
  tn.nspname::pg_catalog.text AS table_schema,
  t.relname::pg_catalog.text AS table_name,
  xn.nspname::pg_catalog.text AS index_schema,
  x.relname::pg_catalog.text AS index_name
FROM (SELECT $1::pg_catalog.oid AS table_oid, $2::pg_catalog.oid AS index_oid) AS w
LEFT JOIN pg_catalog.pg_class AS t ON t.oid = w.table_oid
LEFT JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
LEFT JOIN pg_catalog.pg_class AS x ON x.oid = w.index_oid
LEFT JOIN pg_catalog.pg_namespace AS xn ON xn.oid = x.relnamespace
