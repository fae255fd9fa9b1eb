-- The foreign keys between tables of a set.
-- $1: oids of the tables.
-- Returns a row with one JSON object each (struct twin::data::ForeignKey). Those that a partition has
-- from its parent are not returned. Privilege: none. Cost: pg_constraint by an index.
SELECT pg_catalog.json_build_object(
  'schema', n.nspname,
  'table', c.relname,
  'name', k.conname,
  'definition', pg_catalog.pg_get_constraintdef(k.oid)
)::pg_catalog.text AS object
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE k.conrelid = ANY ($1::pg_catalog.oid[])
  AND k.confrelid = ANY ($1::pg_catalog.oid[])
  AND k.contype = 'f'
  AND k.conparentid = 0::pg_catalog.oid
ORDER BY k.oid
