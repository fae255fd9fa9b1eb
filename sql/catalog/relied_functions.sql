-- The user's functions on which an index or a materialized view relies, each with a call of it.
-- Returns one row for each pair: user_oid, user_kind (index, materialized view), user_schema and
-- user_name; function: its signature; call: an expression that calls it with values that are not
-- NULL, as far as its arguments' types tell one.
-- Privilege: none. Cost: one pass over pg_depend.
WITH used AS (
  SELECT d.objid AS user_oid, d.refobjid AS function_oid
  FROM pg_catalog.pg_depend AS d
  JOIN pg_catalog.pg_class AS c ON c.oid = d.objid AND c.relkind IN ('i', 'I')
  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
    AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid
  UNION
  SELECT r.ev_class, d.refobjid
  FROM pg_catalog.pg_depend AS d
  JOIN pg_catalog.pg_rewrite AS r ON r.oid = d.objid
  JOIN pg_catalog.pg_class AS c ON c.oid = r.ev_class AND c.relkind = 'm'
  WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid
    AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid
)
SELECT
  u.user_oid,
  CASE c.relkind WHEN 'm' THEN 'materialized view' ELSE 'index' END AS user_kind,
  n.nspname::pg_catalog.text AS user_schema,
  c.relname::pg_catalog.text AS user_name,
  p.oid::pg_catalog.regprocedure::pg_catalog.text AS function,
  pg_catalog.format(
    '%I.%I(%s)', f.nspname, p.proname,
    (
      SELECT pg_catalog.string_agg(
        CASE
          WHEN t.typtype = 'e' THEN (
            SELECT pg_catalog.quote_literal(e.enumlabel)
            FROM pg_catalog.pg_enum AS e
            WHERE e.enumtypid = t.oid
            ORDER BY e.enumsortorder
            LIMIT 1
          )
          WHEN t.typtype = 'r' THEN '''empty'''
          WHEN t.typname = 'uuid' THEN '''00000000-0000-0000-0000-000000000000'''
          WHEN t.typname IN ('json', 'jsonb') THEN '''{}'''
          WHEN t.typname = 'bytea' THEN ''''''
          WHEN t.typname = 'time' OR t.typname = 'timetz' THEN '''12:00'''
          WHEN t.typcategory = 'A' THEN '''{}'''
          WHEN t.typcategory = 'N' THEN '''1'''
          WHEN t.typcategory = 'S' THEN '''a'''
          WHEN t.typcategory = 'B' THEN '''true'''
          WHEN t.typcategory = 'D' THEN '''2026-01-01'''
          WHEN t.typcategory = 'T' THEN '''1 day'''
          WHEN t.typcategory = 'I' THEN '''127.0.0.1'''
          ELSE 'NULL'
        END || '::' || pg_catalog.format_type(t.oid, NULL),
        ', ' ORDER BY a.ord
      )
      FROM pg_catalog.unnest(p.proargtypes::pg_catalog.oid[]) WITH ORDINALITY AS a (type_oid, ord)
      JOIN pg_catalog.pg_type AS t ON t.oid = a.type_oid
    )
  ) AS call
FROM used AS u
JOIN pg_catalog.pg_class AS c ON c.oid = u.user_oid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_proc AS p ON p.oid = u.function_oid AND p.prokind = 'f'
JOIN pg_catalog.pg_namespace AS f ON f.oid = p.pronamespace
WHERE f.nspname NOT IN ('pg_catalog', 'information_schema')
  AND p.provariadic = 0::pg_catalog.oid
ORDER BY u.user_oid, function
