-- The extensions that CREATE EXTENSION finds on this server, whether they are in this database or not.
-- Returns name.
-- Privilege: none. Cost: reads the control files of the installation.
SELECT a.name::pg_catalog.text AS name
FROM pg_catalog.pg_available_extensions AS a
