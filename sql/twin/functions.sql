-- Functions, as the twin has to make them.
-- $1: oids of functions; those of extensions and of the system are passed over.
-- Returns a row with one JSON object each (struct twin::data::Function): definition is null for an
-- aggregate, which the server does not print. Privilege: none. Cost: small.
SELECT pg_catalog.json_build_object(
  'name', p.oid::pg_catalog.regprocedure::pg_catalog.text,
  'schema', n.nspname,
  'language', l.lanname,
  'owner', pg_catalog.pg_get_userbyid(p.proowner),
  'source', p.prosrc,
  'definition',
    CASE WHEN p.prokind IN ('f', 'p', 'w') THEN pg_catalog.pg_get_functiondef(p.oid) END
)::pg_catalog.text AS object
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
WHERE p.oid = ANY ($1::pg_catalog.oid[])
  AND n.nspname <> ALL ('{pg_catalog,information_schema}'::pg_catalog.name[])
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d
    WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid
      AND d.objid = p.oid AND d.deptype IN ('e', 'i')
  )
ORDER BY p.oid
