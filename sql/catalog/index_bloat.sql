-- What the size of B-tree and other indexes is to be compared with: how large each would be, freshly built.
-- $1: oids of indexes; empty: all; $2: pages that an index has to have, as of the last VACUUM, ANALYZE or build.
-- Returns a row for each index that has storage: oid, schema, name, the table's name and number, pages; method;
-- rows (of the table; of a partial index its own; negative: never counted); changed_rows: since they were
-- counted, by the statistics; is_unique, is_partial; key_count; options as in pg_class; columns: JSON, an object
-- for each key or included column (struct facts::index_bloat::Column): name, length and align as in pg_type,
-- width_bytes, distinct_values, sample_rows: that ANALYZE looks at by today's settings, null_share, common_count, common_share as in pg_stats (null: no statistics),
-- has_one_width: all values that the statistics hold are equally long (texts only), is_expression, is_not_null, is_visible: the role may see
-- its statistics, has_equal_images: equal keys may share a tuple. Left out: indexes of the system's own
-- schemas and of temporary tables. Privilege: SELECT on a column for its statistics, the owner's rights for those of an expression.
-- Cost: pg_stats once; no size on disk is asked for, which would take locks.
WITH classes AS MATERIALIZED (
  SELECT
    o.oid,
    pg_catalog.bool_or(p.amproc::pg_catalog.oid = 'pg_catalog.btequalimage'::pg_catalog.regproc::pg_catalog.oid) AS always,
    pg_catalog.bool_or(p.amproc::pg_catalog.oid = 'pg_catalog.btvarstrequalimage'::pg_catalog.regproc::pg_catalog.oid) AS deterministic
  FROM pg_catalog.pg_opclass AS o
  JOIN pg_catalog.pg_amproc AS p
    ON p.amprocfamily = o.opcfamily
    AND p.amproclefttype = o.opcintype
    AND p.amprocrighttype = o.opcintype
    AND p.amprocnum = 4::pg_catalog.int2
  GROUP BY o.oid
),
chosen AS MATERIALIZED (
  SELECT
    i.oid,
    n.nspname,
    i.relname,
    x.indrelid,
    t.relname AS table_name,
    i.relpages::pg_catalog.int8 AS pages,
    i.reloptions AS options,
    am.amname,
    CASE WHEN x.indpred IS NULL THEN t.reltuples ELSE i.reltuples END::pg_catalog.float8 AS rows,
    LEAST(
      pg_catalog.pg_stat_get_mod_since_analyze(t.oid),
      pg_catalog.pg_stat_get_ins_since_vacuum(t.oid) + pg_catalog.pg_stat_get_dead_tuples(t.oid)
    ) AS changed_rows,
    pg_catalog.pg_stat_get_mod_since_analyze(t.oid) AS changed_since_analyze,
    x.indkey,
    x.indclass,
    x.indcollation,
    x.indnkeyatts::pg_catalog.int4 AS key_count,
    x.indisunique AS is_unique,
    x.indpred IS NOT NULL AS is_partial,
    t.relrowsecurity AND pg_catalog.row_security_active(t.oid) AS is_hidden
  FROM pg_catalog.pg_index AS x
  JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
  JOIN pg_catalog.pg_class AS t ON t.oid = x.indrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = i.relnamespace
  JOIN pg_catalog.pg_am AS am ON am.oid = i.relam
  WHERE i.relkind = 'i'
    AND i.relpersistence <> 't'
    AND n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
    AND i.relpages::pg_catalog.int8 >= $2::pg_catalog.int8
    AND (pg_catalog.cardinality($1::pg_catalog.oid[]) = 0 OR i.oid = ANY ($1::pg_catalog.oid[]))
),
keys AS MATERIALIZED (
  SELECT
    k.oid,
    a.attnum,
    k.nspname,
    CASE WHEN ta.attname IS NULL THEN k.relname ELSE k.table_name END AS relation,
    COALESCE(ta.attname, a.attname) AS name,
    y.typlen AS length,
    y.typalign AS align,
    a.atttypid AS type_oid,
    300 * GREATEST(
      COALESCE(ta.attstattarget, a.attstattarget)::pg_catalog.int4,
      pg_catalog.current_setting('default_statistics_target')::pg_catalog.int4
    ) AS sample_rows,
    ta.attname IS NULL AS is_expression,
    COALESCE(ta.attnotnull, false) AS is_not_null,
    NOT k.is_hidden AND pg_catalog.has_column_privilege(
      CASE WHEN ta.attname IS NULL THEN k.oid ELSE k.indrelid END,
      COALESCE(ta.attnum, a.attnum),
      'SELECT'
    ) AS is_visible,
    a.attnum > k.key_count
      OR COALESCE(c.always, false)
      OR COALESCE(c.deterministic, false) AND COALESCE(l.collisdeterministic, false) AS has_equal_images
  FROM chosen AS k
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.oid AND a.attnum > 0
  JOIN pg_catalog.pg_type AS y ON y.oid = a.atttypid
  LEFT JOIN pg_catalog.pg_attribute AS ta
    ON ta.attrelid = k.indrelid AND ta.attnum = k.indkey[a.attnum - 1] AND ta.attnum > 0
  LEFT JOIN classes AS c ON a.attnum <= k.key_count AND c.oid = k.indclass[a.attnum - 1]
  LEFT JOIN pg_catalog.pg_collation AS l
    ON a.attnum <= k.key_count AND l.oid = k.indcollation[a.attnum - 1]
),
described AS MATERIALIZED (
  SELECT
    c.oid,
    c.attnum,
    pg_catalog.json_build_object(
      'name', c.name,
      'length', c.length,
      'align', c.align,
      'width_bytes', s.avg_width,
      'distinct_values', s.n_distinct,
      'sample_rows', c.sample_rows,
      'null_share', s.null_frac,
      'common_count', pg_catalog.cardinality(s.most_common_freqs),
      'common_share', (SELECT pg_catalog.sum(f.share) FROM pg_catalog.unnest(s.most_common_freqs) AS f (share)),
      'has_one_width', CASE
        WHEN c.type_oid IN (25::pg_catalog.oid, 1042::pg_catalog.oid, 1043::pg_catalog.oid) THEN (
          SELECT pg_catalog.min(pg_catalog.octet_length(v.known)) = pg_catalog.max(pg_catalog.octet_length(v.known))
          FROM pg_catalog.unnest(
            COALESCE(s.histogram_bounds, s.most_common_vals)::pg_catalog.text::pg_catalog.text[]
          ) AS v (known)
        )
      END,
      'is_expression', c.is_expression,
      'is_not_null', c.is_not_null,
      'is_visible', c.is_visible,
      'has_equal_images', c.has_equal_images
    )::pg_catalog.text AS object
  FROM keys AS c
  LEFT JOIN pg_catalog.pg_stats AS s
    ON s.schemaname = c.nspname AND s.tablename = c.relation AND s.attname = c.name AND NOT s.inherited
),
listed AS MATERIALIZED (
  SELECT
    d.oid,
    '[' || pg_catalog.string_agg(d.object, ',' ORDER BY d.attnum) || ']' AS columns
  FROM described AS d
  GROUP BY d.oid
)
SELECT
  k.oid,
  k.nspname::pg_catalog.text AS schema,
  k.relname::pg_catalog.text AS name,
  k.table_name::pg_catalog.text AS table,
  k.indrelid AS table_oid,
  k.pages,
  k.amname::pg_catalog.text AS method,
  k.rows,
  k.changed_rows,
  k.changed_since_analyze,
  k.is_unique,
  k.is_partial,
  k.key_count,
  k.options,
  l.columns
FROM chosen AS k
JOIN listed AS l ON l.oid = k.oid
