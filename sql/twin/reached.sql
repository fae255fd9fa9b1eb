-- What statements reach: the objects whose names stand among their words, and what those depend on.
-- $1: words of the statements, in small letters and as written.
-- Returns a row for each object: class_oid (pg_class, pg_proc, pg_type, pg_extension …) and oid.
-- Followed are dependencies, views into what they read, tables into their indexes, checks, generated
-- columns, statistics objects, partitions and children; not foreign keys. What an extension made
-- leads to the extension alone. Privilege: none. Cost: what is reached, by indexes on pg_depend.
WITH RECURSIVE
own_schemas AS MATERIALIZED (
  SELECT n.oid
  FROM pg_catalog.pg_namespace AS n
  WHERE n.nspname <> ALL ('{pg_catalog,information_schema}'::pg_catalog.name[])
    AND NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_toast')
    AND NOT pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_temp')
),
words AS MATERIALIZED (
  SELECT DISTINCT w.word::pg_catalog.name AS word
  FROM pg_catalog.unnest($1::pg_catalog.text[]) AS w (word)
),
reached (class_oid, oid) AS (
  (
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, c.oid
    FROM words AS w
    JOIN pg_catalog.pg_class AS c ON c.relname = w.word
    JOIN own_schemas AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
    UNION
    SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid, p.oid
    FROM words AS w
    JOIN pg_catalog.pg_proc AS p ON p.proname = w.word
    JOIN own_schemas AS n ON n.oid = p.pronamespace
    UNION
    SELECT 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid, t.oid
    FROM words AS w
    JOIN pg_catalog.pg_type AS t ON t.typname = w.word
    JOIN own_schemas AS n ON n.oid = t.typnamespace
    WHERE t.typtype IN ('d', 'e', 'r', 'c', 'b')
    UNION
    SELECT 'pg_catalog.pg_operator'::pg_catalog.regclass::pg_catalog.oid, o.oid
    FROM pg_catalog.pg_operator AS o
    JOIN own_schemas AS n ON n.oid = o.oprnamespace
    UNION
    SELECT 'pg_catalog.pg_ts_config'::pg_catalog.regclass::pg_catalog.oid, g.oid
    FROM words AS w
    JOIN pg_catalog.pg_ts_config AS g ON g.cfgname = w.word
    JOIN own_schemas AS n ON n.oid = g.cfgnamespace
  )
  UNION
  SELECT edge.class_oid, edge.oid
  FROM reached AS r
  CROSS JOIN LATERAL (
    SELECT d.refclassid AS class_oid, d.refobjid AS oid
    FROM pg_catalog.pg_depend AS d
    WHERE d.classid = r.class_oid
      AND d.objid = r.oid
      AND (
        d.deptype = 'e'
        OR NOT EXISTS (
          SELECT FROM pg_catalog.pg_depend AS e
          WHERE e.classid = r.class_oid AND e.objid = r.oid AND e.deptype = 'e'
        )
      )
    UNION ALL
    SELECT d.refclassid, d.refobjid
    FROM pg_catalog.pg_rewrite AS w
    JOIN pg_catalog.pg_depend AS d
      ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid AND d.objid = w.oid
    WHERE r.class_oid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AND w.ev_class = r.oid
    UNION ALL
    SELECT r.class_oid, h.inhrelid
    FROM pg_catalog.pg_inherits AS h
    WHERE r.class_oid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AND h.inhparent = r.oid
    UNION ALL
    SELECT r.class_oid, x.indexrelid
    FROM pg_catalog.pg_index AS x
    WHERE r.class_oid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AND x.indrelid = r.oid
    UNION ALL
    SELECT d.refclassid, d.refobjid
    FROM pg_catalog.pg_constraint AS k
    JOIN pg_catalog.pg_depend AS d
      ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid AND d.objid = k.oid
    WHERE r.class_oid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
      AND k.conrelid = r.oid AND k.contype = 'c'
    UNION ALL
    SELECT d.refclassid, d.refobjid
    FROM pg_catalog.pg_attribute AS a
    JOIN pg_catalog.pg_attrdef AS f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
    JOIN pg_catalog.pg_depend AS d
      ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass::pg_catalog.oid AND d.objid = f.oid
    WHERE r.class_oid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
      AND a.attrelid = r.oid AND a.attgenerated <> ''
    UNION ALL
    SELECT d.refclassid, d.refobjid
    FROM pg_catalog.pg_statistic_ext AS s
    JOIN pg_catalog.pg_depend AS d
      ON d.classid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass::pg_catalog.oid AND d.objid = s.oid
    WHERE r.class_oid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AND s.stxrelid = r.oid
    UNION ALL
    SELECT d.refclassid, d.refobjid
    FROM pg_catalog.pg_constraint AS k
    JOIN pg_catalog.pg_depend AS d
      ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid AND d.objid = k.oid
    WHERE r.class_oid = 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid AND k.contypid = r.oid
    UNION ALL
    SELECT r.class_oid, t.typelem
    FROM pg_catalog.pg_type AS t
    WHERE r.class_oid = 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid
      AND t.oid = r.oid AND t.typelem <> 0::pg_catalog.oid
    UNION ALL
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, t.typrelid
    FROM pg_catalog.pg_type AS t
    WHERE r.class_oid = 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid
      AND t.oid = r.oid AND t.typrelid <> 0::pg_catalog.oid
  ) AS edge
  WHERE edge.oid <> 0::pg_catalog.oid
    AND edge.class_oid IN (
      'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid,
      'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid,
      'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid,
      'pg_catalog.pg_operator'::pg_catalog.regclass::pg_catalog.oid,
      'pg_catalog.pg_opclass'::pg_catalog.regclass::pg_catalog.oid,
      'pg_catalog.pg_collation'::pg_catalog.regclass::pg_catalog.oid,
      'pg_catalog.pg_ts_config'::pg_catalog.regclass::pg_catalog.oid,
      'pg_catalog.pg_extension'::pg_catalog.regclass::pg_catalog.oid
    )
)
SELECT r.class_oid::pg_catalog.regclass::pg_catalog.text AS class, r.oid
FROM reached AS r
ORDER BY 1, 2
