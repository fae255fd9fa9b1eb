-- The constraints that hold for new rows only, because they were never validated.
-- Returns object (name on table, as the server identifies it), name, table_object.
-- Privilege: none. Cost: one pass over pg_constraint.
SELECT
  pg_catalog.format('%I on %I.%I', k.conname, n.nspname, t.relname) AS object,
  pg_catalog.quote_ident(k.conname) AS name,
  pg_catalog.format('%I.%I', n.nspname, t.relname) AS table_object,
  k.oid
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_class AS t ON t.oid = k.conrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
WHERE NOT k.convalidated
  AND k.conparentid = 0::pg_catalog.oid
  -- Since 18 one that is not enforced is never valid.
  AND COALESCE((pg_catalog.to_jsonb(k) ->> 'conenforced') = 'true', true)
