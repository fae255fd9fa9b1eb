-- Extensions that objects belong to.
-- $1: oids of extensions.
-- Returns a row with one JSON object each (struct twin::data::Extension). Privilege: none. Cost: small.
SELECT pg_catalog.json_build_object(
  'name', e.extname, 'version', e.extversion, 'schema', n.nspname
)::pg_catalog.text AS object
FROM pg_catalog.pg_extension AS e
JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
WHERE e.oid = ANY ($1::pg_catalog.oid[])
ORDER BY e.oid
