-- Writes rows of pg_stats into pg_statistic. Only on a twin: PostgreSQL lets nobody but a superuser.
-- $1: a JSON array of twin::data::ColumnStatistics.
-- Returns the rows that could not be written, because the column's type may run code when its values
-- are read (a domain's check within an array or a row).
WITH given AS (
  SELECT g.*
  FROM pg_catalog.json_to_recordset($1::pg_catalog.text::pg_catalog.json) AS g (
    "schema" pg_catalog.text,
    "relation" pg_catalog.text,
    "column" pg_catalog.text,
    "inherited" pg_catalog.bool,
    "null_frac" pg_catalog.text,
    "avg_width" pg_catalog.int4,
    "n_distinct" pg_catalog.text,
    "most_common_vals" pg_catalog.text,
    "most_common_freqs" pg_catalog.text,
    "histogram_bounds" pg_catalog.text,
    "correlation" pg_catalog.text,
    "most_common_elems" pg_catalog.text,
    "most_common_elem_freqs" pg_catalog.text,
    "elem_count_histogram" pg_catalog.text,
    "range_length_histogram" pg_catalog.text,
    "range_empty_frac" pg_catalog.text,
    "range_bounds_histogram" pg_catalog.text
  )
),
typed AS (
  SELECT g.*, a.attrelid, a.attnum, a.attcollation, b.type_oid, y.typtype, y.typname,
    CASE WHEN y.typcategory = 'A' AND y.typlen = -1 THEN y.typelem
      WHEN y.oid = 'pg_catalog.tsvector'::pg_catalog.regtype
        THEN 'pg_catalog.text'::pg_catalog.regtype::pg_catalog.oid
      ELSE 0::pg_catalog.oid END AS element_oid
  FROM given AS g
  JOIN pg_catalog.pg_namespace AS n ON n.nspname = g.schema
  JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = g.relation
  JOIN pg_catalog.pg_attribute AS a
    ON a.attrelid = c.oid AND a.attname = g.column AND NOT a.attisdropped
  CROSS JOIN LATERAL (
    WITH RECURSIVE base AS (
      SELECT t.oid, t.typtype, t.typbasetype FROM pg_catalog.pg_type AS t WHERE t.oid = a.atttypid
      UNION ALL
      SELECT t.oid, t.typtype, t.typbasetype
      FROM base JOIN pg_catalog.pg_type AS t ON t.oid = base.typbasetype
      WHERE base.typtype = 'd'
    )
    SELECT base.oid AS type_oid FROM base WHERE base.typtype <> 'd'
  ) AS b
  JOIN pg_catalog.pg_type AS y ON y.oid = b.type_oid
),
read AS (
  SELECT t.*,
    (t.typtype IN ('b', 'e')
      AND (t.element_oid = 0 OR (
        SELECT e.typtype IN ('b', 'e') FROM pg_catalog.pg_type AS e WHERE e.oid = t.element_oid)))
    OR (t.typtype = 'r' AND (
      SELECT s.typtype = 'b'
      FROM pg_catalog.pg_range AS r JOIN pg_catalog.pg_type AS s ON s.oid = r.rngsubtype
      WHERE r.rngtypid = t.type_oid)) AS is_safe,
    o.equal, o.less, eo.equal AS element_equal
  FROM typed AS t
  LEFT JOIN LATERAL (
    SELECT
      (SELECT m.amopopr FROM pg_catalog.pg_amop AS m
       WHERE m.amopfamily = oc.opcfamily AND m.amopstrategy = 3
         AND m.amoplefttype = oc.opcintype AND m.amoprighttype = oc.opcintype) AS equal,
      (SELECT m.amopopr FROM pg_catalog.pg_amop AS m
       WHERE m.amopfamily = oc.opcfamily AND m.amopstrategy = 1
         AND m.amoplefttype = oc.opcintype AND m.amoprighttype = oc.opcintype) AS less
    FROM pg_catalog.pg_opclass AS oc
    WHERE oc.oid = {opclass_of_type}
  ) AS o ON true
  LEFT JOIN LATERAL (
    SELECT m.amopopr AS equal
    FROM pg_catalog.pg_opclass AS oc
    JOIN pg_catalog.pg_amop AS m
      ON m.amopfamily = oc.opcfamily AND m.amopstrategy = 3
        AND m.amoplefttype = oc.opcintype AND m.amoprighttype = oc.opcintype
    WHERE oc.oid = {opclass_of_element}
  ) AS eo ON true
),
written AS (
  INSERT INTO pg_catalog.pg_statistic (
    starelid, staattnum, stainherit, stanullfrac, stawidth, stadistinct,
    stakind1, stakind2, stakind3, stakind4, stakind5,
    staop1, staop2, staop3, staop4, staop5,
    stacoll1, stacoll2, stacoll3, stacoll4, stacoll5,
    stanumbers1, stanumbers2, stanumbers3, stanumbers4, stanumbers5,
    stavalues1, stavalues2, stavalues3, stavalues4, stavalues5
  )
  SELECT
    r.attrelid, r.attnum, r.inherited, r.null_frac::pg_catalog.float4, r.avg_width,
    r.n_distinct::pg_catalog.float4,
    CASE WHEN r.typtype = 'r' AND r.range_length_histogram IS NOT NULL THEN 6
      WHEN r.is_safe AND r.most_common_vals IS NOT NULL AND r.equal IS NOT NULL THEN 1 ELSE 0 END,
    CASE WHEN r.typtype = 'r' AND r.is_safe AND r.range_bounds_histogram IS NOT NULL THEN 7
      WHEN r.is_safe AND r.histogram_bounds IS NOT NULL AND r.less IS NOT NULL THEN 2 ELSE 0 END,
    CASE WHEN r.correlation IS NOT NULL AND r.less IS NOT NULL THEN 3 ELSE 0 END,
    CASE WHEN r.is_safe AND r.most_common_elems IS NOT NULL AND r.element_equal IS NOT NULL
      THEN 4 ELSE 0 END,
    CASE WHEN r.elem_count_histogram IS NOT NULL AND r.element_equal IS NOT NULL THEN 5 ELSE 0 END,
    CASE WHEN r.typtype = 'r' THEN 672 ELSE coalesce(r.equal, 0) END,
    CASE WHEN r.typtype = 'r' THEN 0 ELSE coalesce(r.less, 0) END,
    coalesce(r.less, 0),
    coalesce(r.element_equal, 0),
    coalesce(r.element_equal, 0),
    r.attcollation, r.attcollation, r.attcollation,
    CASE WHEN r.typname = 'tsvector' THEN 100 ELSE r.attcollation END,
    CASE WHEN r.typname = 'tsvector' THEN 100 ELSE r.attcollation END,
    CASE WHEN r.typtype = 'r' THEN ARRAY[r.range_empty_frac::pg_catalog.float4]
      ELSE r.most_common_freqs::pg_catalog.float4[] END,
    NULL,
    CASE WHEN r.correlation IS NOT NULL THEN ARRAY[r.correlation::pg_catalog.float4] END,
    r.most_common_elem_freqs::pg_catalog.float4[],
    r.elem_count_histogram::pg_catalog.float4[],
    CASE WHEN r.typtype = 'r' THEN pg_catalog.array_in(
        pg_catalog.textout(r.range_length_histogram),
        'pg_catalog.float8'::pg_catalog.regtype::pg_catalog.oid, -1)
      ELSE pg_catalog.array_in(pg_catalog.textout(
        CASE WHEN r.is_safe AND r.equal IS NOT NULL THEN r.most_common_vals END), r.type_oid, -1)
      END,
    CASE WHEN r.is_safe THEN pg_catalog.array_in(pg_catalog.textout(
      CASE WHEN r.typtype = 'r' THEN r.range_bounds_histogram
        WHEN r.less IS NOT NULL THEN r.histogram_bounds END), r.type_oid, -1) END,
    NULL,
    CASE WHEN r.is_safe AND r.element_equal IS NOT NULL THEN pg_catalog.array_in(
      pg_catalog.textout(r.most_common_elems), r.element_oid, -1) END,
    NULL
  FROM read AS r
)
SELECT r.schema, r.relation, r.column
FROM read AS r
WHERE NOT r.is_safe
  AND (r.most_common_vals IS NOT NULL OR r.histogram_bounds IS NOT NULL OR r.most_common_elems IS NOT NULL)
