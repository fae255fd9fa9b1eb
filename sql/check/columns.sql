-- The columns of large tables, with what the statistics say of them.
-- $1: rows that a table has at least, or $2: pages. Returns a row for each column: object, table_oid, table_object, number,
-- data_type; rows of the table; distinct_values as in pg_stats, null_share, width_bytes (all NULL: no statistics, or
-- not to be seen); highest: the greatest value that the statistics hold, of an integer; may_read: the role may
-- see its statistics.
-- Privilege: SELECT on a column for its statistics, or pg_read_all_data. Cost: pg_stats for the large tables.
WITH large AS MATERIALIZED (
  SELECT
    c.oid,
    n.nspname,
    c.relname,
    c.reltuples::pg_catalog.float8 AS rows,
    c.relrowsecurity AND pg_catalog.row_security_active(c.oid) AS is_hidden
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm')
    AND c.relpersistence <> 't'
    AND (c.reltuples::pg_catalog.float8 >= $1::pg_catalog.float8 OR c.relpages >= $2::pg_catalog.int4)
    AND c.oid >= 16384::pg_catalog.oid
    AND n.nspname NOT IN ('pg_catalog', 'information_schema')
)
SELECT
  pg_catalog.format('%I.%I.%I', t.nspname, t.relname, a.attname) AS object,
  t.oid AS table_oid,
  pg_catalog.format('%I.%I', t.nspname, t.relname) AS table_object,
  a.attnum::pg_catalog.int4 AS number,
  pg_catalog.format_type(a.atttypid, NULL) AS data_type,
  a.attnotnull AS is_not_null,
  t.rows,
  s.n_distinct::pg_catalog.float8 AS distinct_values,
  s.null_frac::pg_catalog.float8 AS null_share,
  s.avg_width AS width_bytes,
  CASE
    WHEN a.atttypid IN (
      'pg_catalog.int2'::pg_catalog.regtype::pg_catalog.oid, 'pg_catalog.int4'::pg_catalog.regtype::pg_catalog.oid
    )
      THEN GREATEST(
        (
          SELECT pg_catalog.max(b.value::pg_catalog.int8)
          FROM pg_catalog.unnest(s.histogram_bounds::pg_catalog.text::pg_catalog.text[]) AS b (value)
        ),
        (
          SELECT pg_catalog.max(b.value::pg_catalog.int8)
          FROM pg_catalog.unnest(s.most_common_vals::pg_catalog.text::pg_catalog.text[]) AS b (value)
        )
      )
  END AS highest,
  pg_catalog.has_column_privilege(t.oid, a.attnum, 'SELECT') AND NOT t.is_hidden AS may_read
FROM large AS t
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_stats AS s
  ON s.schemaname = t.nspname
  AND s.tablename = t.relname
  AND s.attname = a.attname
  AND NOT s.inherited
