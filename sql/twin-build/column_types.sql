-- The types of a table's columns, in their order.
-- $1: its name, as SQL. Returns type.
SELECT pg_catalog.format_type(a.atttypid, a.atttypmod) AS type
FROM pg_catalog.pg_attribute AS a
WHERE a.attrelid = pg_catalog.to_regclass($1::pg_catalog.text) AND a.attnum > 0
ORDER BY a.attnum
