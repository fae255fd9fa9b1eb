-- Whether what is locked now under a table's name is still that table.
-- $1: its name, as SQL; $2: its oid.
-- Returns is_same: it is a table or a materialized view of that oid, whose rows are on disk.
-- Privilege: none. Cost: small.
SELECT
  c.oid = pg_catalog.to_regclass($1::pg_catalog.text)::pg_catalog.oid
    AND c.relkind IN ('r', 'm')
    AND am.amname = 'heap' AS is_same
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_am AS am ON am.oid = c.relam
WHERE c.oid = $2::pg_catalog.oid
