-- What the size of B-trees would be, freshly built, by the arithmetic that is in common use: without
-- knowledge of rows that share a tuple. Returns name and bytes.
WITH widths AS (
  SELECT
    x.indexrelid,
    i.relname,
    GREATEST(i.reltuples, 1) AS rows,
    COALESCE((SELECT option_value::int FROM pg_options_to_table(i.reloptions) WHERE option_name = 'fillfactor'), 90)
      AS fill,
    CASE WHEN max(COALESCE(s.null_frac, 0)) = 0 THEN 8 ELSE 16 END AS header,
    sum((1 - COALESCE(s.null_frac, 0)) * COALESCE(s.avg_width, 1024)) AS width
  FROM pg_index AS x
  JOIN pg_class AS i ON i.oid = x.indexrelid
  JOIN pg_class AS t ON t.oid = x.indrelid
  JOIN pg_attribute AS a ON a.attrelid = x.indexrelid
  LEFT JOIN pg_attribute AS ta ON ta.attrelid = x.indrelid AND ta.attnum = x.indkey[a.attnum - 1] AND ta.attnum > 0
  LEFT JOIN pg_stats AS s
    ON s.tablename = CASE WHEN ta.attname IS NULL THEN i.relname ELSE t.relname END
    AND s.attname = COALESCE(ta.attname, a.attname)
  WHERE t.relname = 'shapes'
  GROUP BY x.indexrelid, i.relname, i.reltuples, i.reloptions
)
SELECT relname::text,
  (8192 * ceil(1 + rows / floor((8192 - 40) * fill / (100 * (4 + header + ceil(width / 8) * 8)::float8))))::bigint
FROM widths
