-- Whether a table that was locked by its name is still the one that was looked at.
-- $1: its name, as SQL; $2: its oid.
-- Returns is_same; NULL: there is none of that name. Privilege: none. Cost: one name.
SELECT pg_catalog.to_regclass($1::pg_catalog.text)::pg_catalog.oid
  OPERATOR(pg_catalog.=) $2::pg_catalog.oid AS is_same
