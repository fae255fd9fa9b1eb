-- Whose code this session may run.
-- $1: names of roles that the user trusts. Returns a row for each role: oid, name, and is_named where it is one
-- of these. The role itself is one, unless the session belongs to another, to which code could return by
-- RESET ROLE.
-- Privilege: none. Cost: a few rows of pg_authid.
SELECT
  r.oid,
  r.rolname::pg_catalog.text AS name,
  r.rolname::pg_catalog.text = ANY ($1::pg_catalog.text[]) AS is_named
FROM pg_catalog.pg_roles AS r
WHERE r.rolname::pg_catalog.text = ANY ($1::pg_catalog.text[])
  OR r.rolname = SESSION_USER AND r.rolname = CURRENT_USER
