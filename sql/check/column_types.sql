-- The tables with columns of types that people regret.
-- Returns table_object; what: timestamp, money, char, json or serial; columns as the server quotes them.
-- Privilege: none. Cost: pg_attribute of the users' tables, once.
SELECT
  pg_catalog.format('%I.%I', n.nspname, t.relname) AS table_object,
  y.what,
  pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns
FROM pg_catalog.pg_class AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_attrdef AS v
  ON v.adrelid = t.oid
  AND v.adnum = a.attnum
  AND a.attidentity = ''
  AND EXISTS (
    SELECT FROM pg_catalog.pg_depend AS d
    JOIN pg_catalog.pg_class AS s ON s.oid = d.objid AND s.relkind = 'S'
    WHERE d.refobjid = t.oid
      AND d.refobjsubid = a.attnum::pg_catalog.int4
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
      AND d.deptype = 'a'
  )
CROSS JOIN LATERAL (
  SELECT CASE a.atttypid
    WHEN 'pg_catalog.timestamp'::pg_catalog.regtype::pg_catalog.oid THEN 'timestamp'
    WHEN 'pg_catalog.money'::pg_catalog.regtype::pg_catalog.oid THEN 'money'
    WHEN 'pg_catalog.bpchar'::pg_catalog.regtype::pg_catalog.oid THEN 'char'
    WHEN 'pg_catalog.json'::pg_catalog.regtype::pg_catalog.oid THEN 'json'
    ELSE CASE WHEN v.oid IS NOT NULL THEN 'serial' END
  END AS what
) AS y
WHERE t.relkind IN ('r', 'p')
  AND NOT t.relispartition
  AND t.relpersistence <> 't'
  AND t.oid >= 16384::pg_catalog.oid
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pgtend')
  AND y.what IS NOT NULL
GROUP BY n.nspname, t.relname, y.what
