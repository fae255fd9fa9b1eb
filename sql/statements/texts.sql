-- The texts of statements.
-- In braces: schema, that of the extension; key, its columns as far as this version has them. $1: their
-- queryids; $2: how many characters of each. Returns the key, query, and bytes of the whole text:
-- statements of several roles may share a queryid and differ in their words, which mean what the role's own
-- search_path makes of them.
-- Privilege: none; pg_read_all_stats for statements of others. Cost: the server reads all texts, and
-- keeps them in memory as far as work_mem goes.
SELECT
  {key},
  pg_catalog.left(s.query, $2::pg_catalog.int4) AS query,
  pg_catalog.octet_length(s.query) AS bytes
FROM {schema}.pg_stat_statements(true) AS s
WHERE s.queryid = ANY ($1::pg_catalog.int8[]) AND s.query IS NOT NULL
