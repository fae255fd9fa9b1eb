-- Where an extension is, if a function of C belongs to it and this role may call it.
-- $1: the extension; $2: the function; $3: the types of its arguments, as oidvectortypes prints them.
-- Returns a row with its schema, or none. Privilege: none. Cost: none.
SELECT n.nspname::pg_catalog.text AS schema
FROM pg_catalog.pg_extension AS e
JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
WHERE e.extname = $1::pg_catalog.text
  AND EXISTS (
    SELECT
    FROM pg_catalog.pg_proc AS p
    JOIN pg_catalog.pg_depend AS d
      ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid AND d.objid = p.oid
        AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass::pg_catalog.oid
        AND d.refobjid = e.oid AND d.deptype = 'e'
    JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
    WHERE p.pronamespace = e.extnamespace
      AND p.proname = $2::pg_catalog.text
      AND pg_catalog.oidvectortypes(p.proargtypes) = $3::pg_catalog.text
      AND l.lanname = 'c'
      AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE')
  )
