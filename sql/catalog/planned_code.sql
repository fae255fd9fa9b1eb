-- Whose code a plan that reads a table would run: PostgreSQL computes the constant parts of the expressions of
-- its indexes, CHECK constraints, statistics and partition key with the rights of whoever asks for the plan
-- (RelationGetIndexPredicate in relcache.c), and what a function calls is not shut in.
-- $1: the table's oid. Returns one row: is_trusted: the table belongs to this role or to a superuser, so that
-- nobody else adds such an expression; is_in_recovery; is_materialized_view; object and owner: the first function
-- found that belongs to neither, null: there is none.
-- Privilege: none. Cost: pg_depend by index, for each index, constraint and statistics object of the table.
WITH RECURSIVE others AS MATERIALIZED (
  SELECT r.oid, r.rolname
  FROM pg_catalog.pg_roles AS r
  WHERE NOT r.rolsuper AND r.rolname <> CURRENT_USER
),
reached AS (
  SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AS class, $1::pg_catalog.oid AS oid
  UNION ALL
  SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, i.indexrelid
  FROM pg_catalog.pg_index AS i
  WHERE i.indrelid = $1::pg_catalog.oid AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
  UNION ALL
  SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid, k.oid
  FROM pg_catalog.pg_constraint AS k
  WHERE k.conrelid = $1::pg_catalog.oid AND k.contype = 'c'::pg_catalog."char"
  UNION ALL
  SELECT 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass::pg_catalog.oid, s.oid
  FROM pg_catalog.pg_statistic_ext AS s
  WHERE s.stxrelid = $1::pg_catalog.oid
  UNION ALL
  -- A generated column can stand for its expression.
  SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass::pg_catalog.oid, d.oid
  FROM pg_catalog.pg_attrdef AS d
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
  WHERE d.adrelid = $1::pg_catalog.oid AND a.attgenerated <> ''::pg_catalog."char"
  UNION
  SELECT n.class, n.oid
  FROM reached AS r
  CROSS JOIN LATERAL (
    SELECT d.refclassid AS class, d.refobjid AS oid
    FROM pg_catalog.pg_depend AS d
    WHERE d.classid = r.class
      AND d.objid = r.oid
      AND d.refclassid = ANY (
        ARRAY[
          'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid,
          'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid,
          'pg_catalog.pg_operator'::pg_catalog.regclass::pg_catalog.oid
        ]
      )
    UNION ALL
    SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass::pg_catalog.oid, k.oid
    FROM pg_catalog.pg_constraint AS k
    WHERE r.class = 'pg_catalog.pg_type'::pg_catalog.regclass::pg_catalog.oid
      AND k.contypid = r.oid
  ) AS n
),
code AS (
  SELECT p.oid::pg_catalog.regprocedure::pg_catalog.text AS object, o.rolname::pg_catalog.text AS owner
  FROM reached AS r
  JOIN pg_catalog.pg_proc AS p ON p.oid = r.oid
  JOIN others AS o ON o.oid = p.proowner
  WHERE r.class = 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid
  ORDER BY 1
  LIMIT 1
)
SELECT
  NOT EXISTS (SELECT FROM others AS o WHERE o.oid = c.relowner) AS is_trusted,
  pg_catalog.pg_is_in_recovery() AS is_in_recovery,
  c.relkind = 'm'::pg_catalog."char" AS is_materialized_view,
  (SELECT f.object FROM code AS f) AS object,
  (SELECT f.owner FROM code AS f) AS owner
FROM pg_catalog.pg_class AS c
WHERE c.oid = $1::pg_catalog.oid
