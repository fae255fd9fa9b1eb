-- Extended statistics of tables and what ANALYZE found out for them.
-- $1: oids of the tables; $2: whether values are wanted.
-- Returns a row with one JSON object each (struct twin::data::ExtendedStatistics): data is null where
-- the role may not see it or ANALYZE has not run since they were created.
-- Privilege: ownership of the table for the data. Cost: small.
SELECT pg_catalog.json_build_object(
  'schema', n.nspname,
  'name', s.stxname,
  'table_schema', tn.nspname,
  'table', t.relname,
  'definition', pg_catalog.pg_get_statisticsobjdef(s.oid),
  'may_read', pg_catalog.pg_has_role(t.relowner, 'USAGE'),
  'data', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'inherited', e.inherited,
      'columns', e.attnames,
      'n_distinct', e.n_distinct::pg_catalog.text,
      'n_distinct_bytes', pg_catalog.encode(e.n_distinct::pg_catalog.bytea, 'hex'),
      'dependencies_bytes', pg_catalog.encode(e.dependencies::pg_catalog.bytea, 'hex'),
      'values', CASE WHEN $2::pg_catalog.bool THEN e.most_common_vals::pg_catalog.text END,
      'frequencies', CASE WHEN $2::pg_catalog.bool THEN pg_catalog.to_json(e.most_common_freqs) END,
      'base_frequencies',
        CASE WHEN $2::pg_catalog.bool THEN pg_catalog.to_json(e.most_common_base_freqs) END
    ))
    FROM pg_catalog.pg_stats_ext AS e
    WHERE e.statistics_schemaname = n.nspname AND e.statistics_name = s.stxname
  ),
  'expressions', (
    SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
      'schema', x.schemaname,
      'relation', x.tablename,
      'column', x.expr,
      'inherited', x.inherited,
      'null_frac', x.null_frac::pg_catalog.text,
      'avg_width', x.avg_width,
      'n_distinct', x.n_distinct::pg_catalog.text,
      'most_common_vals', CASE WHEN $2::pg_catalog.bool THEN x.most_common_vals::pg_catalog.text END,
      'most_common_freqs', CASE WHEN $2::pg_catalog.bool THEN x.most_common_freqs::pg_catalog.text END,
      'histogram_bounds', CASE WHEN $2::pg_catalog.bool THEN x.histogram_bounds::pg_catalog.text END,
      'correlation', x.correlation::pg_catalog.text,
      'most_common_elems',
        CASE WHEN $2::pg_catalog.bool THEN x.most_common_elems::pg_catalog.text END,
      'most_common_elem_freqs',
        CASE WHEN $2::pg_catalog.bool THEN x.most_common_elem_freqs::pg_catalog.text END,
      'elem_count_histogram',
        CASE WHEN $2::pg_catalog.bool THEN x.elem_count_histogram::pg_catalog.text END
    ))
    FROM pg_catalog.pg_stats_ext_exprs AS x
    WHERE x.statistics_schemaname = n.nspname AND x.statistics_name = s.stxname
  )
)::pg_catalog.text AS object
FROM pg_catalog.pg_statistic_ext AS s
JOIN pg_catalog.pg_namespace AS n ON n.oid = s.stxnamespace
JOIN pg_catalog.pg_class AS t ON t.oid = s.stxrelid
JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
WHERE s.stxrelid = ANY ($1::pg_catalog.oid[])
ORDER BY s.oid
