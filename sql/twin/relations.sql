-- What the twin has to know of tables, views and composite types.
-- $1: their oids; others among them, such as indexes, are passed over.
-- Returns a row with one JSON object each (struct twin::data::Relation): names, kind as in pg_class,
-- true length in pages (null: it has no files), the planner's figures as they stand, columns without
-- dropped ones, CHECK constraints, partition key and bound, parents in their order, the text of views,
-- may_read: whether the role sees the statistics of all columns. What belongs to an extension is not
-- returned. Privilege: none. Cost: a lock of AccessShare on each for a moment, for its length.
SELECT pg_catalog.json_build_object(
  'oid', c.oid::pg_catalog.int8,
  'schema', n.nspname,
  'name', c.relname,
  'kind', c.relkind,
  'is_unlogged', c.relpersistence = 'u',
  'owner', pg_catalog.pg_get_userbyid(c.relowner),
  'pages', CASE WHEN c.relkind IN ('r', 'm') THEN pg_catalog.pg_relation_size(c.oid) / 8192 END,
  'relpages', c.relpages,
  'reltuples', c.reltuples::pg_catalog.text,
  'relallvisible', c.relallvisible,
  'options', c.reloptions,
  'access_method', am.amname,
  'tablespace_options', ts.spcoptions,
  'partition_key', CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END,
  'partition_bound', CASE WHEN c.relispartition THEN pg_catalog.pg_get_expr(c.relpartbound, c.oid) END,
  'parents', (
    SELECT pg_catalog.json_agg(
      pg_catalog.json_build_object('schema', pn.nspname, 'name', pc.relname) ORDER BY h.inhseqno
    )
    FROM pg_catalog.pg_inherits AS h
    JOIN pg_catalog.pg_class AS pc ON pc.oid = h.inhparent
    JOIN pg_catalog.pg_namespace AS pn ON pn.oid = pc.relnamespace
    WHERE h.inhrelid = c.oid
  ),
  'view', CASE WHEN c.relkind = 'v' THEN pg_catalog.pg_get_viewdef(c.oid) END,
  'has_row_security', c.relrowsecurity,
  'changed_since_analyze', pg_catalog.pg_stat_get_mod_since_analyze(c.oid),
  'analyzed_at', pg_catalog.to_char(
    pg_catalog.timezone('UTC', GREATEST(
      pg_catalog.pg_stat_get_last_analyze_time(c.oid),
      pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid)
    )), 'YYYY-MM-DD HH24:MI "UTC"'
  ),
  'inserted', pg_catalog.pg_stat_get_tuples_inserted(c.oid),
  'updated', pg_catalog.pg_stat_get_tuples_updated(c.oid),
  'hot_updated', pg_catalog.pg_stat_get_tuples_hot_updated(c.oid),
  'may_read',
    pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE')
    AND NOT pg_catalog.row_security_active(c.oid)
    AND (
      pg_catalog.has_table_privilege(c.oid, 'SELECT')
      OR NOT EXISTS (
        SELECT FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          AND NOT pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')
      )
    ),
  'columns', (
    SELECT pg_catalog.json_agg(
      pg_catalog.json_build_object(
        'name', a.attname,
        'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
        'length', t.typlen,
        'align', t.typalign,
        'collation_schema', cn.nspname,
        'collation', co.collname,
        'is_not_null', a.attnotnull,
        'generated', a.attgenerated,
        'expression',
          CASE WHEN a.attgenerated <> '' THEN pg_catalog.pg_get_expr(f.adbin, f.adrelid) END
      ) ORDER BY a.attnum
    )
    FROM pg_catalog.pg_attribute AS a
    JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_collation AS co
      ON co.oid = a.attcollation AND a.attcollation <> t.typcollation
    LEFT JOIN pg_catalog.pg_namespace AS cn ON cn.oid = co.collnamespace
    LEFT JOIN pg_catalog.pg_attrdef AS f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  ),
  'checks', (
    SELECT pg_catalog.json_agg(
      pg_catalog.json_build_object(
        'name', k.conname, 'definition', pg_catalog.pg_get_constraintdef(k.oid)
      ) ORDER BY k.conname
    )
    FROM pg_catalog.pg_constraint AS k
    WHERE k.conrelid = c.oid AND k.contype = 'c'
  )
)::pg_catalog.text AS object
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_am AS am ON am.oid = c.relam
LEFT JOIN pg_catalog.pg_tablespace AS ts ON ts.oid = c.reltablespace
WHERE c.oid = ANY ($1::pg_catalog.oid[])
  AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
      AND d.objid = c.oid AND d.deptype = 'e'
  )
ORDER BY c.oid
