-- The tables with row security, and those with policies.
-- Returns object as the server quotes it; is_enabled; policies: how many.
-- Privilege: none. Cost: pg_class and pg_policy once.
SELECT
  pg_catalog.format('%I.%I', n.nspname, c.relname) AS object,
  c.relrowsecurity AS is_enabled,
  pg_catalog.count(p.oid) AS policies
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_policy AS p ON p.polrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND c.oid >= 16384::pg_catalog.oid
GROUP BY c.oid, n.nspname, c.relname, c.relrowsecurity
HAVING c.relrowsecurity OR pg_catalog.count(p.oid) > 0
