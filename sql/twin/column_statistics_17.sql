-- What ANALYZE found out about the columns of tables and the expressions of indexes.
-- $1: oids of the tables; $2: whether values are wanted.
-- Returns a row with one JSON object each (struct twin::data::ColumnStatistics), all values as text.
-- From 17 on pg_stats shows the histograms of ranges, too. Privilege: SELECT on the columns; without it there is no row. Cost: pg_statistic of these tables.
SELECT pg_catalog.json_build_object(
  'schema', s.schemaname,
  'relation', s.tablename,
  'column', s.attname,
  'inherited', s.inherited,
  'null_frac', s.null_frac::pg_catalog.text,
  'avg_width', s.avg_width,
  'n_distinct', s.n_distinct::pg_catalog.text,
  'most_common_vals', CASE WHEN $2::pg_catalog.bool THEN s.most_common_vals::pg_catalog.text END,
  'most_common_freqs', CASE WHEN $2::pg_catalog.bool THEN s.most_common_freqs::pg_catalog.text END,
  'histogram_bounds', CASE WHEN $2::pg_catalog.bool THEN s.histogram_bounds::pg_catalog.text END,
  'correlation', s.correlation::pg_catalog.text,
  'most_common_elems', CASE WHEN $2::pg_catalog.bool THEN s.most_common_elems::pg_catalog.text END,
  'most_common_elem_freqs',
    CASE WHEN $2::pg_catalog.bool THEN s.most_common_elem_freqs::pg_catalog.text END,
  'elem_count_histogram',
    CASE WHEN $2::pg_catalog.bool THEN s.elem_count_histogram::pg_catalog.text END,
  'range_length_histogram',
    CASE WHEN $2::pg_catalog.bool THEN s.range_length_histogram::pg_catalog.text END,
  'range_empty_frac', s.range_empty_frac::pg_catalog.text,
  'range_bounds_histogram',
    CASE WHEN $2::pg_catalog.bool THEN s.range_bounds_histogram::pg_catalog.text END
)::pg_catalog.text AS object
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_stats AS s ON s.schemaname = n.nspname AND s.tablename = c.relname
WHERE c.oid = ANY ($1::pg_catalog.oid[])
   OR c.oid IN (
     SELECT x.indexrelid FROM pg_catalog.pg_index AS x WHERE x.indrelid = ANY ($1::pg_catalog.oid[])
   )
