-- The statistics objects (CREATE STATISTICS) on analyzed tables that hold nothing yet.
-- Returns object, table_object, rows of the table, may_read: the role may see whether there is something.
-- Privilege: membership in the owner of the table, else all of its statistics objects seem to be empty. Cost: two
-- small catalogs.
SELECT
  pg_catalog.format('%I.%I', n.nspname, s.stxname) AS object,
  pg_catalog.format('%I.%I', tn.nspname, t.relname) AS table_object,
  t.reltuples::pg_catalog.float8 AS rows,
  pg_catalog.pg_has_role(t.relowner, 'USAGE')
    AND NOT pg_catalog.row_security_active(t.oid) AS may_read
FROM pg_catalog.pg_statistic_ext AS s
JOIN pg_catalog.pg_namespace AS n ON n.oid = s.stxnamespace
JOIN pg_catalog.pg_class AS t ON t.oid = s.stxrelid
JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
WHERE t.relkind IN ('r', 'm')
  AND t.reltuples > 0::pg_catalog.float4
  -- With 0 ANALYZE leaves it out.
  AND COALESCE((pg_catalog.to_jsonb(s) ->> 'stxstattarget')::pg_catalog.int4, -1) <> 0
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_stats_ext AS v
    WHERE v.statistics_schemaname = n.nspname AND v.statistics_name = s.stxname
  )
