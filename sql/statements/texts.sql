-- The texts of statements.
-- In braces: schema, that of the extension; key, its columns as far as this version has them. $1: their
-- queryids. Returns the key and query of each: statements of several roles may share a queryid and differ
-- in their words, which mean what the role's own search_path makes of them.
-- Privilege: none; pg_read_all_stats for statements of others. Cost: the server reads all texts, and
-- keeps them in memory as far as work_mem goes.
SELECT
  {key},
  s.query
FROM {schema}.pg_stat_statements(true) AS s
WHERE s.queryid = ANY ($1::pg_catalog.int8[]) AND s.query IS NOT NULL
