-- Of which types the parameters of a prepared statement are. Only on a twin.
-- $1: the statement's name.
-- Returns types: as format_type prints them, in their order. Without a modifier `character` would be one
-- character; with -1 it is `bpchar`.
-- Privilege: none; prepared statements are the session's own. Cost: the session's prepared statements.
SELECT ARRAY(
  SELECT pg_catalog.format_type(t.type, -1)
  FROM pg_catalog.unnest(s.parameter_types) WITH ORDINALITY AS t (type, place)
  ORDER BY t.place
) AS types
FROM pg_catalog.pg_prepared_statements AS s
WHERE s.name OPERATOR(pg_catalog.=) $1::pg_catalog.text
