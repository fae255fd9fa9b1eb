-- The databases of this server that one can connect to.
-- Returns the name of each, without templates and without those in which the role may not connect, in the
-- order of their names.
-- Privilege: none. Cost: pg_database once.
SELECT d.datname::pg_catalog.text AS name
FROM pg_catalog.pg_database AS d
WHERE d.datallowconn AND NOT d.datistemplate
  AND pg_catalog.has_database_privilege(d.oid, 'CONNECT')
ORDER BY 1
