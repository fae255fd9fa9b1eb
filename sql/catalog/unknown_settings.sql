-- Which of the settings this server does not know.
-- $1: their names. Returns name.
-- Privilege: none. Cost: no table is read.
SELECT asked.name
FROM pg_catalog.unnest($1::pg_catalog.text[]) AS asked (name)
WHERE NOT EXISTS (
  SELECT FROM pg_catalog.pg_settings AS known
  WHERE pg_catalog.lower(known.name) OPERATOR(pg_catalog.=) pg_catalog.lower(asked.name)
)
