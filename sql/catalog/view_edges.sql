-- Which views read which other views, plain and materialized ones.
-- Returns one row for each pair: the reading view and the view that it names. The system's own views
-- are left out.
-- Privilege: none. Cost: pg_rewrite and its rows of pg_depend, once.
SELECT DISTINCT
  v.oid AS reader,
  t.oid AS view
FROM pg_catalog.pg_class AS v
JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = v.oid
JOIN pg_catalog.pg_depend AS d
  ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid
  AND d.objid = r.oid
  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
  AND d.refobjid <> v.oid
JOIN pg_catalog.pg_class AS t ON t.oid = d.refobjid AND t.relkind IN ('v', 'm')
WHERE v.relkind IN ('v', 'm') AND v.oid >= 16384::pg_catalog.oid
