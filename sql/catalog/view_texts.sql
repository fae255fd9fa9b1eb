-- What it takes to declare materialized views again, and what needs them.
-- $1: their oids. Returns one row each. query: as the server prints it. options: storage parameters,
-- `name=value`; method and tablespace: NULL for the default. plain_views, functions: those that its
-- query names, without the system's; readers: views that name it; each quoted where needed, NULL
-- where there are none.
-- Privilege: none. Cost: the rewrite rule of each, and its rows of pg_depend.
SELECT
  c.oid,
  pg_catalog.pg_get_viewdef(c.oid) AS query,
  c.reloptions::pg_catalog.text[] AS options,
  (
    SELECT m.amname::pg_catalog.text
    FROM pg_catalog.pg_am AS m
    WHERE m.oid = c.relam
      AND m.amname <> pg_catalog.current_setting('default_table_access_method')::pg_catalog.name
  ) AS method,
  (
    SELECT s.spcname::pg_catalog.text
    FROM pg_catalog.pg_tablespace AS s
    WHERE s.oid = c.reltablespace
  ) AS tablespace,
  pg_catalog.obj_description(c.oid, 'pg_class') AS comment,
  (
    SELECT pg_catalog.array_agg(DISTINCT v.oid::pg_catalog.regclass::pg_catalog.text)
    FROM pg_catalog.pg_rewrite AS r
    JOIN pg_catalog.pg_depend AS d
      ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid
      AND d.objid = r.oid
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
    JOIN pg_catalog.pg_class AS v ON v.oid = d.refobjid AND v.relkind = 'v'
    WHERE r.ev_class = c.oid AND v.oid >= 16384::pg_catalog.oid
  ) AS plain_views,
  (
    SELECT pg_catalog.array_agg(DISTINCT p.oid::pg_catalog.regprocedure::pg_catalog.text)
    FROM pg_catalog.pg_rewrite AS r
    JOIN pg_catalog.pg_depend AS d
      ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid
      AND d.objid = r.oid
      AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid
    JOIN pg_catalog.pg_proc AS p ON p.oid = d.refobjid
    WHERE r.ev_class = c.oid AND p.oid >= 16384::pg_catalog.oid
  ) AS functions,
  (
    SELECT pg_catalog.array_agg(DISTINCT v.oid::pg_catalog.regclass::pg_catalog.text)
    FROM pg_catalog.pg_depend AS d
    JOIN pg_catalog.pg_rewrite AS r ON r.oid = d.objid
    JOIN pg_catalog.pg_class AS v ON v.oid = r.ev_class AND v.oid <> c.oid
    WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
      AND d.refobjid = c.oid
  ) AS readers
FROM pg_catalog.pg_class AS c
WHERE c.oid = ANY ($1::pg_catalog.oid[])
