-- The names of roles and databases.
-- $1: oids of roles; $2: oids of databases. Returns kind ('role' or 'database'), oid and name of those
-- that are there, and whether it is a superuser.
-- Privilege: none. Cost: a row for each.
SELECT
  'role' AS kind,
  r.oid,
  r.rolname::pg_catalog.text AS name,
  r.rolsuper AS is_superuser
FROM pg_catalog.pg_roles AS r
WHERE r.oid = ANY ($1::pg_catalog.oid[])
UNION ALL
SELECT
  'database' AS kind,
  d.oid,
  d.datname::pg_catalog.text AS name,
  false AS is_superuser
FROM pg_catalog.pg_database AS d
WHERE d.oid = ANY ($2::pg_catalog.oid[])
