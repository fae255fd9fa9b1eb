-- Removes the texts and samples of statements that no snapshot knows any more.
-- Returns how many texts were removed.
-- Privilege: SELECT and DELETE on the tables. Cost: the tables once.
WITH samples AS (
  DELETE FROM pgtend.sample AS m
  WHERE NOT EXISTS (SELECT FROM pgtend.statement AS k WHERE k.id = m.statement)
),
texts AS (
  DELETE FROM pgtend.statement_text AS t
  WHERE NOT EXISTS (
    SELECT FROM pgtend.statement AS k
    WHERE k.queryid = t.queryid AND k.dbid = t.dbid
  )
  RETURNING t.queryid
)
SELECT pg_catalog.count(*) AS pruned FROM texts
