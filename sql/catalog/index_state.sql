-- One index, as it is now.
-- $1: its name as SQL writes it. Returns no row where there is none; definition: the whole statement
-- as the server prints it; is_whole: queries use it and writes maintain it.
-- Privilege: USAGE on its schema. Cost: a look-up.
SELECT
  pg_catalog.pg_get_indexdef(i.indexrelid) AS definition,
  i.indisvalid AND i.indisready AND i.indislive AS is_whole
FROM pg_catalog.pg_index AS i
WHERE i.indexrelid = pg_catalog.to_regclass($1::pg_catalog.text)::pg_catalog.oid
