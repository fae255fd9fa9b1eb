-- Says which indexes the planner may use. Only on a twin.
-- $1: oids of indexes; $2: whether it may.
-- The tables are touched, too: a prepared statement is planned anew only when its tables have changed.
WITH toggled AS (
  UPDATE pg_catalog.pg_index AS x
  SET indisvalid = $2::pg_catalog.bool
  WHERE x.indexrelid = ANY ($1::pg_catalog.oid[]) AND x.indisvalid <> $2::pg_catalog.bool
  RETURNING x.indrelid
)
UPDATE pg_catalog.pg_class AS c
SET relpages = c.relpages
FROM (SELECT DISTINCT t.indrelid FROM toggled AS t) AS t
WHERE c.oid = t.indrelid
