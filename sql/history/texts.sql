-- The kept texts of statements.
-- $1: their queryids. Returns dbid, queryid and query.
-- Privilege: SELECT on pgtend.statement_text. Cost: a row by index for each.
SELECT
  t.dbid,
  t.queryid,
  t.query
FROM pgtend.statement_text AS t
WHERE t.queryid = ANY ($1::pg_catalog.int8[])
