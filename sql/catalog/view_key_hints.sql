-- What a unique index on materialized views that lack one could be made of.
-- $1: oids of the views. Returns the query as the server prints it, the columns in their order, and
-- those that hold no value twice and no NULL, as far as the statistics know.
-- Privilege: none; unique_columns need SELECT on the view. Cost: printing each view's query, which
-- locks what it reads in AccessShare mode for a moment.
SELECT
  c.oid,
  pg_catalog.pg_get_viewdef(c.oid) AS query,
  (
    SELECT pg_catalog.array_agg(a.attname::pg_catalog.text ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  ) AS columns,
  (
    SELECT pg_catalog.array_agg(s.attname::pg_catalog.text ORDER BY s.attname)
    FROM pg_catalog.pg_stats AS s
    WHERE s.schemaname = n.nspname
      AND s.tablename = c.relname
      AND s.n_distinct = '-1'::pg_catalog.float4
      AND s.null_frac = 0::pg_catalog.float4
  ) AS unique_columns
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = ANY ($1::pg_catalog.oid[]) AND c.relkind = 'm'
