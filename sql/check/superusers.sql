-- The superusers that may log in, apart from the one that the cluster was made with.
-- Returns role as the server quotes it.
-- Privilege: none. Cost: the roles once.
SELECT pg_catalog.quote_ident(r.rolname::pg_catalog.text) AS role
FROM pg_catalog.pg_roles AS r
WHERE r.rolsuper AND r.rolcanlogin AND r.oid <> 10::pg_catalog.oid
