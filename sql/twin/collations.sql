-- Collations that somebody made.
-- $1: oids of collations.
-- Returns a row with one JSON object each (struct twin::data::Collation). Privilege: none. Cost: small.
SELECT pg_catalog.json_build_object(
  'schema', n.nspname,
  'name', c.collname,
  'provider', c.collprovider,
  'is_deterministic', c.collisdeterministic,
  'collate', c.collcollate,
  'locale', COALESCE(
    pg_catalog.to_jsonb(c) ->> 'colllocale', pg_catalog.to_jsonb(c) ->> 'colliculocale', c.collcollate
  )
)::pg_catalog.text AS object
FROM pg_catalog.pg_collation AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.collnamespace
WHERE c.oid = ANY ($1::pg_catalog.oid[]) AND n.nspname <> 'pg_catalog'
ORDER BY c.oid
