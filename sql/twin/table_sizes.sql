-- How large tables are.
-- $1: their oids.
-- Returns oid and bytes, with TOAST; none where it was dropped meanwhile. Privilege: none. Cost: a look
-- at the lengths of their files.
SELECT c.oid, pg_catalog.pg_table_size(c.oid) AS bytes
FROM pg_catalog.pg_class AS c
WHERE c.oid = ANY ($1::pg_catalog.oid[])
  AND c.relkind IN ('r', 'm')
