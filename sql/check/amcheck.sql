-- Where amcheck is, if its function for B-trees belongs to it and this role may call it.
-- Returns a row with its schema, or none. Privilege: none. Cost: none.
SELECT n.nspname::pg_catalog.text AS schema
FROM pg_catalog.pg_extension AS e
JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
WHERE e.extname = 'amcheck'
  AND EXISTS (
    SELECT
    FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_depend AS d
      ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid AND d.objid = p.oid
        AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass::pg_catalog.oid
        AND d.refobjid = e.oid AND d.deptype = 'e'
    JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
    WHERE p.pronamespace = e.extnamespace
      AND p.proname = 'bt_index_check'
      AND p.pronargs = 2
      AND p.proargtypes[0] = 'pg_catalog.regclass'::pg_catalog.regtype::pg_catalog.oid
      AND p.proargtypes[1] = 'pg_catalog.bool'::pg_catalog.regtype::pg_catalog.oid
      AND l.lanname = 'c'
      AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE')
  )
