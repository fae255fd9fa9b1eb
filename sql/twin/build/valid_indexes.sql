-- Says which indexes the planner may use. Only on a twin.
-- $1: oids of indexes; $2: whether it may.
UPDATE pg_catalog.pg_index AS x
SET indisvalid = $2::pg_catalog.bool
WHERE x.indexrelid = ANY ($1::pg_catalog.oid[]) AND x.indisvalid <> $2::pg_catalog.bool
