-- The types of columns that indexes are declared on.
-- $1: oids of tables; $2: names of columns. Returns a row for each of these tables' columns that
-- bears one of these names: type_oid (of a domain the type beneath it), is_pseudo_of: which of the
-- types anyarray, anyenum, anyrange, anymultirange or record stands for it in operator classes, NULL
-- for none; is_virtual: it is computed when read.
-- Privilege: none. Cost: index look-ups, one a table.
SELECT
  a.attrelid AS table_oid,
  a.attname::pg_catalog.text AS name,
  COALESCE(b.oid, t.oid) AS type_oid,
  CASE COALESCE(b.typtype, t.typtype)
    WHEN 'e'::pg_catalog."char" THEN 'anyenum'
    WHEN 'r'::pg_catalog."char" THEN 'anyrange'
    WHEN 'm'::pg_catalog."char" THEN 'anymultirange'
    WHEN 'c'::pg_catalog."char" THEN 'record'
    ELSE CASE
      WHEN COALESCE(b.typsubscript, t.typsubscript)::pg_catalog.oid
        = 'pg_catalog.array_subscript_handler'::pg_catalog.regproc::pg_catalog.oid THEN 'anyarray'
    END
  END AS is_pseudo_of,
  a.attgenerated = 'v'::pg_catalog."char" AS is_virtual
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type AS b
  ON t.typtype = 'd'::pg_catalog."char" AND b.oid = t.typbasetype
WHERE a.attrelid = ANY ($1::pg_catalog.oid[])
  AND a.attname = ANY ($2::pg_catalog.name[])
  AND a.attnum > 0
  AND NOT a.attisdropped
  AND COALESCE(b.typtype, t.typtype) <> 'd'::pg_catalog."char"
