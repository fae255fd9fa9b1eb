-- Which values a column has, as ANALYZE has found them.
-- $1: schemas, in which the table is looked for in this order; $2: table; $3: column.
-- Returns one row, or none where there is no such table with statistics. common and frequencies: the most common values, each
-- with its share of the rows; bounds: of the histogram of the others, each gap as likely; elements: of arrays and
-- texts for search. Each is NULL where there is none.
-- Privilege: SELECT on the column; without it there is no row. Cost: pg_statistic of one column.
SELECT
  s.most_common_vals::pg_catalog.text::pg_catalog.text[] AS common,
  s.most_common_freqs::pg_catalog.float8[] AS frequencies,
  s.histogram_bounds::pg_catalog.text::pg_catalog.text[] AS bounds,
  s.most_common_elems::pg_catalog.text::pg_catalog.text[] AS elements
FROM pg_catalog.pg_stats AS s
WHERE s.schemaname::pg_catalog.text = ANY ($1::pg_catalog.text[])
  AND s.tablename::pg_catalog.text = $2::pg_catalog.text
  AND s.attname::pg_catalog.text = $3::pg_catalog.text
ORDER BY pg_catalog.array_position($1::pg_catalog.text[], s.schemaname::pg_catalog.text), s.inherited
LIMIT 1
