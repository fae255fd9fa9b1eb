-- The histograms of columns that hold ranges, which pg_stats does not show before 17.
-- $1: oids of the tables.
-- Returns a row with one JSON object each (struct twin::data::ColumnStatistics).
-- Privilege: SELECT on pg_statistic (superuser, pg_read_all_data). Cost: pg_statistic of these tables.
SELECT pg_catalog.json_build_object(
  'schema', n.nspname,
  'relation', c.relname,
  'column', a.attname,
  'inherited', s.stainherit,
  'null_frac', s.stanullfrac::pg_catalog.text,
  'avg_width', s.stawidth,
  'n_distinct', s.stadistinct::pg_catalog.text,
  'range_length_histogram', CASE 6
    WHEN s.stakind1 THEN s.stavalues1 WHEN s.stakind2 THEN s.stavalues2
  END::pg_catalog.text,
  'range_empty_frac', CASE 6
    WHEN s.stakind1 THEN s.stanumbers1[1] WHEN s.stakind2 THEN s.stanumbers2[1]
  END::pg_catalog.text,
  'range_bounds_histogram', CASE 7
    WHEN s.stakind1 THEN s.stavalues1 WHEN s.stakind2 THEN s.stavalues2
  END::pg_catalog.text
)::pg_catalog.text AS object
FROM pg_catalog.pg_statistic AS s
JOIN pg_catalog.pg_class AS c ON c.oid = s.starelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = s.starelid AND a.attnum = s.staattnum
WHERE s.starelid = ANY ($1::pg_catalog.oid[]) AND 7 IN (s.stakind1, s.stakind2)
