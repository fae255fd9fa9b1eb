-- The expressions of extended statistics.
-- $1: their schema; $2: their name. Returns expression, in their order.
SELECT e.expression
FROM pg_catalog.pg_statistic_ext AS s
JOIN pg_catalog.pg_namespace AS n ON n.oid = s.stxnamespace
CROSS JOIN LATERAL pg_catalog.unnest(pg_catalog.pg_get_statisticsobjdef_expressions(s.oid))
  WITH ORDINALITY AS e (expression, place)
WHERE n.nspname = $1::pg_catalog.text AND s.stxname = $2::pg_catalog.text
ORDER BY e.place
