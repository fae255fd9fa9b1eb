-- The triggers that are switched off, also those that check foreign keys.
-- Returns object (name on table, as the server identifies it), name, table_object, constraint_name: of the foreign
-- key that it checks.
-- Privilege: none. Cost: one pass over pg_trigger.
SELECT
  pg_catalog.format('%I on %I.%I', g.tgname, n.nspname, t.relname) AS object,
  pg_catalog.quote_ident(g.tgname) AS name,
  pg_catalog.format('%I.%I', n.nspname, t.relname) AS table_object,
  k.conname::pg_catalog.text AS constraint_name
FROM pg_catalog.pg_trigger AS g
JOIN pg_catalog.pg_class AS t ON t.oid = g.tgrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
LEFT JOIN pg_catalog.pg_constraint AS k ON k.oid = g.tgconstraint AND k.contype = 'f'
WHERE g.tgenabled = 'D' AND t.relpersistence <> 't'
