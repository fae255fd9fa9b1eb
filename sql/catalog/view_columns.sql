-- The columns of the relations that materialized views name in their queries.
-- Returns for each view and relation the relation's name as the server prints it in a query, its
-- columns, and those of them that are NOT NULL.
-- Privilege: none. Cost: dependency look-ups for each materialized view.
SELECT DISTINCT
  v.oid AS view,
  c.oid::pg_catalog.regclass::pg_catalog.text AS relation,
  (
    SELECT pg_catalog.array_agg(pg_catalog.quote_ident(a.attname) ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  ) AS columns,
  (
    SELECT pg_catalog.array_agg(pg_catalog.quote_ident(a.attname) ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull
  ) AS not_null_columns
FROM pg_catalog.pg_class AS v
JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = v.oid
JOIN pg_catalog.pg_depend AS d
  ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid AND d.objid = r.oid
  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
JOIN pg_catalog.pg_class AS c ON c.oid = d.refobjid
WHERE v.relkind = 'm' AND c.oid <> v.oid AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
