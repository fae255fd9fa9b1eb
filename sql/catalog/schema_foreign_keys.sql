-- Every foreign key of the user's schemas that is not a partition's part of one.
-- Returns oid, name, schema and table_name of the referring table, table_oid, referred (the other
-- table), columns: the numbers of the referring columns, and column_names.
-- Asked in a session whose search path is a migration's, so that operators are named with their schema, too.
-- Privilege: none. Cost: one pass over pg_constraint.
SELECT
  k.oid,
  k.conname::pg_catalog.text AS name,
  n.nspname::pg_catalog.text AS schema,
  t.relname::pg_catalog.text AS table_name,
  k.conrelid AS table_oid,
  k.confrelid::pg_catalog.regclass::pg_catalog.text AS referred,
  k.conkey AS columns,
  ARRAY (
    SELECT a.attname::pg_catalog.text
    FROM pg_catalog.unnest(k.conkey) WITH ORDINALITY AS u (number, ord)
    JOIN pg_catalog.pg_attribute AS a
      ON a.attrelid OPERATOR(pg_catalog.=) k.conrelid
      AND a.attnum OPERATOR(pg_catalog.=) u.number
    ORDER BY u.ord
  ) AS column_names
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_class AS t ON t.oid OPERATOR(pg_catalog.=) k.conrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) t.relnamespace
WHERE k.contype OPERATOR(pg_catalog.=) 'f'::pg_catalog."char"
  AND k.conparentid OPERATOR(pg_catalog.=) 0::pg_catalog.oid
ORDER BY k.oid
