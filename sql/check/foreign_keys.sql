-- The foreign keys of the database that are no partition's part of one.
-- Returns object (name on table, as the server identifies it); table_object, referenced_object; columns,
-- referenced_columns: their numbers, in the key's order; column_names as the server quotes them; types,
-- referenced_types: their types, in the same order; on_delete, on_update as in pg_constraint; rows of the table as of
-- the last VACUUM or ANALYZE; removed and changed: rows of the referenced table since the last reset.
-- Privilege: none. Cost: one pass over pg_constraint, the columns of each.
SELECT
  pg_catalog.format('%I on %I.%I', k.conname, n.nspname, t.relname) AS object,
  k.conrelid AS table_oid,
  pg_catalog.format('%I.%I', n.nspname, t.relname) AS table_object,
  k.confrelid AS referenced_oid,
  pg_catalog.format('%I.%I', rn.nspname, r.relname) AS referenced_object,
  pg_catalog.array_to_string(k.conkey, ' ') AS columns,
  pg_catalog.array_to_string(k.confkey, ' ') AS referenced_columns,
  c.names AS column_names,
  c.types,
  c.referenced_types,
  k.confdeltype::pg_catalog.text AS on_delete,
  t.reltuples::pg_catalog.float8 AS rows,
  pg_catalog.pg_stat_get_tuples_deleted(r.oid) AS removed,
  pg_catalog.pg_stat_get_tuples_updated(r.oid) AS changed
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_class AS t ON t.oid = k.conrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_class AS r ON r.oid = k.confrelid
JOIN pg_catalog.pg_namespace AS rn ON rn.oid = r.relnamespace
CROSS JOIN LATERAL (
  SELECT
    pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY u.ord) AS names,
    pg_catalog.string_agg(pg_catalog.format_type(a.atttypid, NULL), ', ' ORDER BY u.ord) AS types,
    pg_catalog.string_agg(pg_catalog.format_type(ra.atttypid, NULL), ', ' ORDER BY u.ord)
      AS referenced_types
  FROM ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey)) WITH ORDINALITY
    AS u (number, referenced, ord)
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.number
  JOIN pg_catalog.pg_attribute AS ra ON ra.attrelid = k.confrelid AND ra.attnum = u.referenced
) AS c
WHERE k.contype = 'f' AND k.conparentid = 0::pg_catalog.oid
