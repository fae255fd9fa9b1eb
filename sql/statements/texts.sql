-- The texts of statements.
-- In braces: schema, that of the extension. $1: their queryids. Returns dbid, queryid, query, once for each.
-- Privilege: none; pg_read_all_stats for statements of others. Cost: the server reads all texts, and
-- keeps them in memory as far as work_mem goes.
SELECT DISTINCT ON (s.dbid, s.queryid)
  s.dbid,
  s.queryid,
  s.query
FROM {schema}.pg_stat_statements(true) AS s
WHERE s.queryid = ANY ($1::pg_catalog.int8[]) AND s.query IS NOT NULL
