-- Where pageinspect is, if its functions belong to it and this role may call them.
-- Returns a row with its schema, or none. Privilege: none. Cost: none.
SELECT n.nspname::pg_catalog.text AS schema
FROM pg_catalog.pg_extension AS e
JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
WHERE e.extname = 'pageinspect'
  AND (
    SELECT pg_catalog.count(*) = 3
      AND pg_catalog.bool_and(pg_catalog.has_function_privilege(p.oid, 'EXECUTE'))
    FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_depend AS d
      ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid AND d.objid = p.oid
        AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass::pg_catalog.oid
        AND d.refobjid = e.oid AND d.deptype = 'e'
    WHERE p.pronamespace = e.extnamespace
      AND (
        (p.proname = 'bt_metap' AND p.proargtypes[0] = 'pg_catalog.text'::pg_catalog.regtype::pg_catalog.oid)
        OR (p.proname = 'gin_metapage_info' AND p.pronargs = 1)
        OR (p.proname = 'get_raw_page' AND p.pronargs = 2)
      )
  )
  AND (SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.rolname = CURRENT_USER)
