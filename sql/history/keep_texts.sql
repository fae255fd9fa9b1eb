-- Keeps the texts of statements.
-- $1: the database's oid; $2: queryids; $3: their texts, in the same order. Returns the queryids of those
-- that were not kept yet.
-- Privilege: SELECT and INSERT on pgtend.statement_text. Cost: a row for each.
INSERT INTO pgtend.statement_text (dbid, queryid, query)
SELECT $1::pg_catalog.oid, t.queryid, t.query
FROM ROWS FROM (
  pg_catalog.unnest($2::pg_catalog.int8[]),
  pg_catalog.unnest($3::pg_catalog.text[])
) AS t (queryid, query)
ON CONFLICT (queryid, dbid) DO NOTHING
RETURNING queryid
