-- Which values a column has, as ANALYZE has found them on the copy.
-- $1: schema; $2: table; $3: column.
-- Returns common: the most common value; low and high: two bounds in the middle of the histogram, side by
-- side; element: the most common element. Each is NULL where there is none.
SELECT
  (s.most_common_vals::pg_catalog.text::pg_catalog.text[])[1] AS common,
  h.bounds[(pg_catalog.cardinality(h.bounds) + 1) / 2] AS low,
  h.bounds[(pg_catalog.cardinality(h.bounds) + 1) / 2 + 1] AS high,
  (s.most_common_elems::pg_catalog.text::pg_catalog.text[])[1] AS element
FROM pg_catalog.pg_stats AS s
CROSS JOIN LATERAL (SELECT s.histogram_bounds::pg_catalog.text::pg_catalog.text[] AS bounds) AS h
WHERE s.schemaname = $1::pg_catalog.text::pg_catalog.name
  AND s.tablename = $2::pg_catalog.text::pg_catalog.name
  AND s.attname = $3::pg_catalog.text::pg_catalog.name
ORDER BY s.inherited
LIMIT 1
