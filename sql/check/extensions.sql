-- The extensions of this database.
-- Returns name as the server quotes it; version; default_version: what CREATE EXTENSION would install (NULL: its
-- files are not there); is_version_there: the files know the version that is installed.
-- Privilege: none. Cost: the server reads the control files of all extensions that are there.
SELECT
  pg_catalog.quote_ident(e.extname::pg_catalog.text) AS name,
  e.extversion AS version,
  a.default_version,
  EXISTS (
    SELECT FROM pg_catalog.pg_available_extension_versions() AS v
    WHERE v.name = e.extname AND v.version = e.extversion
  ) AS is_version_there
FROM pg_catalog.pg_extension AS e
LEFT JOIN pg_catalog.pg_available_extensions() AS a ON a.name = e.extname
