-- Says which indexes there are, for the planner and for writers. Only on a copy, where all that is written
-- is rolled back and cleared away while the index is there.
-- $1: oids of indexes; $2: whether they are there.
-- The tables are touched, too: what sessions know of a table is forgotten only when it has changed.
WITH toggled AS (
  UPDATE pg_catalog.pg_index AS x
  SET indisvalid = $2::pg_catalog.bool, indisready = $2::pg_catalog.bool, indislive = $2::pg_catalog.bool
  WHERE x.indexrelid = ANY ($1::pg_catalog.oid[]) AND x.indisvalid <> $2::pg_catalog.bool
  RETURNING x.indrelid
)
UPDATE pg_catalog.pg_class AS c
SET relpages = c.relpages
FROM (SELECT DISTINCT t.indrelid FROM toggled AS t) AS t
WHERE c.oid = t.indrelid
