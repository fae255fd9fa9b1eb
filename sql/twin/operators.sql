-- Operators that no extension made, as the twin has to make them.
-- $1: oids of operators.
-- Returns a row with one JSON object each (struct twin::data::Operator). Privilege: none. Cost: small.
SELECT pg_catalog.json_build_object(
  'schema', n.nspname,
  'name', o.oprname,
  'function_schema', fn.nspname,
  'function', f.proname,
  'left', CASE WHEN o.oprleft <> 0::pg_catalog.oid THEN pg_catalog.format_type(o.oprleft, NULL) END,
  'right', pg_catalog.format_type(o.oprright, NULL),
  'restrict', CASE WHEN o.oprrest::pg_catalog.oid <> 0::pg_catalog.oid THEN o.oprrest::pg_catalog.regproc::pg_catalog.text END,
  'join', CASE WHEN o.oprjoin::pg_catalog.oid <> 0::pg_catalog.oid THEN o.oprjoin::pg_catalog.regproc::pg_catalog.text END
)::pg_catalog.text AS object
FROM pg_catalog.pg_operator AS o
JOIN pg_catalog.pg_namespace AS n ON n.oid = o.oprnamespace
JOIN pg_catalog.pg_proc AS f ON f.oid = o.oprcode::pg_catalog.oid
JOIN pg_catalog.pg_namespace AS fn ON fn.oid = f.pronamespace
WHERE o.oid = ANY ($1::pg_catalog.oid[])
  AND n.nspname <> 'pg_catalog'
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d
    WHERE d.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass::pg_catalog.oid
      AND d.objid = o.oid AND d.deptype = 'e'
  )
ORDER BY o.oid
