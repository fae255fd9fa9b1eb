-- Where the server keeps the files of a new index.
-- $1: the tablespace, empty for the one that is used by default. Returns the directory; no row where
-- the session came over the network, so that the directory is another machine's.
-- Privilege: pg_read_all_settings, without it the directory of the server's own tablespaces is NULL.
-- Cost: two small catalogs.
SELECT
  COALESCE(
    NULLIF(pg_catalog.pg_tablespace_location(t.oid), ''),
    (SELECT s.setting FROM pg_catalog.pg_settings AS s WHERE s.name = 'data_directory')
  ) AS directory
FROM pg_catalog.pg_tablespace AS t
WHERE pg_catalog.inet_client_addr() IS NULL
  AND t.spcname = COALESCE(
    NULLIF($1::pg_catalog.text, ''),
    NULLIF(pg_catalog.current_setting('default_tablespace'), ''),
    (
      SELECT o.spcname
      FROM pg_catalog.pg_database AS d
      JOIN pg_catalog.pg_tablespace AS o ON o.oid = d.dattablespace
      WHERE d.datname = pg_catalog.current_database()
    )
  )
