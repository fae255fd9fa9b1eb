-- The columns of relations that results come from.
-- $1: oids of relations, $2: the number of a column of each. Returns one row for each that is a column of a
-- table: its place in the arrays from 1, the table's schema and name, the column's name, and
-- whether it is NOT NULL.
-- Privilege: none. Cost: an index look-up each.
SELECT
  w.place,
  n.nspname::pg_catalog.text AS schema,
  c.relname::pg_catalog.text AS name,
  a.attname::pg_catalog.text AS column,
  a.attnotnull AS is_not_null
FROM ROWS FROM (
  pg_catalog.unnest($1::pg_catalog.oid[]), pg_catalog.unnest($2::pg_catalog.int2[])
) WITH ORDINALITY AS w (oid, attnum, place)
JOIN pg_catalog.pg_class AS c ON c.oid = w.oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = w.oid AND a.attnum = w.attnum
WHERE c.relkind IN ('r', 'p', 'f')
