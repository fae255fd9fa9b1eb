-- Statements of a database whose text is not kept.
-- $1: the database's oid. Returns queryid.
-- Privilege: SELECT on pgtend.statement and pgtend.statement_text. Cost: both once.
SELECT DISTINCT k.queryid
FROM pgtend.statement AS k
WHERE k.dbid = $1::pg_catalog.oid
  AND NOT k.is_gone
  AND NOT EXISTS (
    SELECT FROM pgtend.statement_text AS t
    WHERE t.queryid = k.queryid AND t.dbid = k.dbid
  )
