-- The schemas of the database that hold the user's objects.
-- Returns name and may_use, whether the role may look into it, in the order of the names. The system's
-- schemas, temporary ones, those of extensions and pgtend's own are left out.
-- Privilege: none. Cost: pg_namespace once, and an index look-up in pg_depend for each.
SELECT
  n.nspname::pg_catalog.text AS name,
  pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS may_use
FROM pg_catalog.pg_namespace AS n
WHERE n.nspname NOT IN ('information_schema', 'pgtend')
  AND NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_')
  AND NOT EXISTS (
    SELECT
    FROM pg_catalog.pg_depend AS d
    WHERE d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass::pg_catalog.oid
      AND d.objid = n.oid
      AND d.deptype = 'e'
  )
ORDER BY n.nspname
