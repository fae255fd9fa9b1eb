-- The roles that may log in and whose password is kept as an MD5 hash.
-- Returns role as the server quotes it; no hash is read.
-- Privilege: superuser. Cost: the roles once.
SELECT pg_catalog.quote_ident(a.rolname::pg_catalog.text) AS role
FROM pg_catalog.pg_authid AS a
WHERE a.rolcanlogin AND pg_catalog.starts_with(a.rolpassword, 'md5')
