-- Enums, domains and ranges, as the twin has to make them.
-- $1: oids of types; others are passed over.
-- Returns a row with one JSON object each (struct twin::data::UserType). Privilege: none. Cost: small.
SELECT pg_catalog.json_build_object(
  'schema', n.nspname,
  'name', t.typname,
  'kind', t.typtype,
  'labels', (
    SELECT pg_catalog.json_agg(e.enumlabel ORDER BY e.enumsortorder)
    FROM pg_catalog.pg_enum AS e
    WHERE e.enumtypid = t.oid
  ),
  'base', CASE t.typtype
    WHEN 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod)
    WHEN 'r' THEN (
      SELECT pg_catalog.format_type(r.rngsubtype, NULL)
      FROM pg_catalog.pg_range AS r
      WHERE r.rngtypid = t.oid
    )
  END,
  'is_not_null', t.typnotnull,
  'checks', (
    SELECT pg_catalog.json_agg(
      pg_catalog.json_build_object(
        'name', k.conname, 'definition', pg_catalog.pg_get_constraintdef(k.oid)
      ) ORDER BY k.conname
    )
    FROM pg_catalog.pg_constraint AS k
    WHERE k.contypid = t.oid AND k.contype = 'c'
  )
)::pg_catalog.text AS object
FROM pg_catalog.pg_type AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
WHERE t.oid = ANY ($1::pg_catalog.oid[])
  AND t.typtype IN ('e', 'd', 'r')
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d
    WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid
      AND d.objid = t.oid AND d.deptype = 'e'
  )
ORDER BY t.oid
