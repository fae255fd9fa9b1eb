-- Keeps the texts of those statements whose text is not kept yet.
-- In braces: schema, that of the extension. $1: the database's oid; $2: the queryids whose text is missing.
-- Returns dbid and queryid of those that were kept.
-- Privilege: SELECT and INSERT on pgtend.statement_text. Cost: the server reads all texts, and keeps
-- them in memory as far as work_mem goes.
INSERT INTO pgtend.statement_text (dbid, queryid, query)
SELECT DISTINCT ON (s.queryid)
  s.dbid,
  s.queryid,
  s.query
FROM {schema}.pg_stat_statements(true) AS s
WHERE s.dbid = $1::pg_catalog.oid
  AND s.queryid = ANY ($2::pg_catalog.int8[])
  AND s.query IS NOT NULL
ON CONFLICT (queryid, dbid) DO NOTHING
RETURNING dbid, queryid
