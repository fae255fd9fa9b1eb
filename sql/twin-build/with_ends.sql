-- Histograms with other ends.
-- $1: histograms as text of one-dimensional arrays; $2: their first bounds; $3: their last.
-- Returns ordinal (from 1) and the histogram as text.
SELECT
  g.ordinal,
  (
    ARRAY[g.least]
    || b.bounds[2:pg_catalog.cardinality(b.bounds) - 1]
    || ARRAY[g.greatest]
  )::pg_catalog.text AS histogram
FROM ROWS FROM (
  pg_catalog.unnest($1::pg_catalog.text[]),
  pg_catalog.unnest($2::pg_catalog.text[]),
  pg_catalog.unnest($3::pg_catalog.text[])
)
  WITH ORDINALITY AS g (histogram, least, greatest, ordinal)
CROSS JOIN LATERAL (SELECT g.histogram::pg_catalog.text[] AS bounds) AS b
WHERE pg_catalog.array_ndims(b.bounds) = 1 AND pg_catalog.cardinality(b.bounds) >= 2
