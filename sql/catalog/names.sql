-- Which relations bear the given names: index names live beside those of tables and views.
-- $1: schemas; $2: names; both of one length. Returns ord (from 1), kind (as pg_class.relkind)
-- and, for an index, the table it is on.
-- Privilege: none. Cost: index look-ups, one a name.
SELECT
  q.ord::pg_catalog.int4 AS ord,
  c.relkind::pg_catalog.text AS kind,
  tn.nspname::pg_catalog.text AS table_schema,
  t.relname::pg_catalog.text AS table_name
FROM ROWS FROM (
  pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])
) WITH ORDINALITY AS q (schema, name, ord)
JOIN pg_catalog.pg_namespace AS n ON n.nspname = q.schema
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = q.name
LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
LEFT JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
LEFT JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
ORDER BY q.ord
