-- The materialized views of the database.
-- Returns object, is_populated, has_key: a unique index on whole columns that REFRESH … CONCURRENTLY can use.
-- Privilege: none. Cost: pg_class and the views' indexes.
SELECT
  c.oid,
  pg_catalog.format('%I.%I', n.nspname, c.relname) AS object,
  c.relispopulated AS is_populated,
  EXISTS (
    SELECT FROM pg_catalog.pg_index AS i
    WHERE i.indrelid = c.oid
      AND i.indisunique
      AND i.indisvalid
      AND i.indimmediate
      AND i.indpred IS NULL
      AND i.indexprs IS NULL
  ) AS has_key,
  c.relpages::pg_catalog.int8 AS pages
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'm'
