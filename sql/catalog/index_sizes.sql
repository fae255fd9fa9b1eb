-- How large indexes are now.
-- $1: their oids. Returns oid and bytes of those that are there.
-- Privilege: none. Cost: a lock of AccessShare on each for a moment, and a look at its files.
SELECT c.oid, pg_catalog.pg_relation_size(c.oid) AS bytes
FROM pg_catalog.pg_class AS c
WHERE c.oid = ANY ($1::pg_catalog.oid[]) AND pg_catalog.pg_relation_size(c.oid) IS NOT NULL
