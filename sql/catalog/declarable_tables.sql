-- The tables, partitioned tables and materialized views whose indexes can be declared: those of the
-- user's schemas, without temporary ones, those of extensions and pgtend's own.
-- $1: the only schema that is asked about, or NULL.
-- Returns one row each. kind: as in pg_class.relkind.
-- Privilege: none. Cost: pg_class once, and an index look-up in pg_depend for each.
SELECT
  c.oid,
  n.nspname::pg_catalog.text AS schema,
  c.relname::pg_catalog.text AS name,
  c.relkind::pg_catalog.text AS kind
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm')
  AND c.relpersistence <> 't'
  AND ($1::pg_catalog.text IS NULL OR n.nspname::pg_catalog.text = $1::pg_catalog.text)
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'pgtend')
  AND NOT EXISTS (
    SELECT
    FROM pg_catalog.pg_depend AS d
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
      AND d.objid = c.oid
      AND d.deptype = 'e'
  )
ORDER BY n.nspname, c.relname
