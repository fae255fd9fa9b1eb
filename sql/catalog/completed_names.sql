-- Names of relations that a user may mean who has begun to type one.
-- $1: kinds, as in pg_class.relkind. $2: what the name begins with. Returns schema and name, at most 1000, in
-- their order. The system's relations, temporary ones and those in schemas that the role may not use are left
-- out.
-- Privilege: none. Cost: pg_class once.
SELECT
  n.nspname::pg_catalog.text AS schema,
  c.relname::pg_catalog.text AS name
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind::pg_catalog.text = ANY ($1::pg_catalog.text[])
  AND c.relpersistence <> 't'
  AND pg_catalog.starts_with(c.relname::pg_catalog.text, $2::pg_catalog.text)
  AND n.nspname NOT IN ('information_schema', 'pgtend')
  AND NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_')
  AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
ORDER BY n.nspname, c.relname
LIMIT 1000
