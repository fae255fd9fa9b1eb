-- The databases whose encoding is not that of this one: the server may not be able to convert the texts of
-- their statements.
-- Returns oid, name and encoding of each.
-- Privilege: none. Cost: a row for each database.
SELECT
  d.oid,
  d.datname::pg_catalog.text AS name,
  pg_catalog.pg_encoding_to_char(d.encoding)::pg_catalog.text AS encoding
FROM pg_catalog.pg_database AS d
WHERE d.encoding <> (
  SELECT h.encoding FROM pg_catalog.pg_database AS h WHERE h.datname = pg_catalog.current_database()
)
ORDER BY d.datname
