-- How many pages of tables hold only frozen rows, which autovacuum leaves out of its reckoning of
-- inserts.
-- Returns oid and pages, of tables and TOAST tables that have any.
-- Privilege: none. Cost: pg_class once.
SELECT c.oid, c.relallfrozen::pg_catalog.int8 AS frozen_pages
FROM pg_catalog.pg_class AS c
WHERE c.relallfrozen > 0 AND c.relkind IN ('r', 'm', 't')
