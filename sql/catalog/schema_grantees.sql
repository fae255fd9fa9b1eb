-- Who besides its owner may read and write the snapshots in pgtend's own schema.
-- Returns a row for each role, by its name as in SQL: role; may_read; may_write.
-- Privilege: none. Cost: a row of the catalog.
SELECT
  COALESCE(pg_catalog.quote_ident(r.rolname), 'PUBLIC') AS role,
  pg_catalog.bool_or(a.privilege_type = 'SELECT') AS may_read,
  pg_catalog.bool_or(a.privilege_type = 'INSERT') AS may_write
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS a
LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = a.grantee
WHERE n.nspname = 'pgtend'
  AND c.relname = 'snapshot'
  AND a.grantee <> c.relowner
  AND (r.oid IS NOT NULL OR a.grantee = 0::pg_catalog.oid)
GROUP BY 1
ORDER BY 1
