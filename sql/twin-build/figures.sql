-- Writes the planner's figures of tables and indexes as production has them, and where a file of
-- ours stands in for the one that CREATE INDEX made. Only on a twin.
-- $1: a JSON array of twin::files::Figures.
UPDATE pg_catalog.pg_class AS c
SET relpages = g.relpages,
  reltuples = g.reltuples::pg_catalog.float4,
  relallvisible = g.relallvisible,
  relfilenode = coalesce(g.relfilenode, c.relfilenode)
FROM pg_catalog.json_to_recordset($1::pg_catalog.text::pg_catalog.json) AS g (
  "oid" pg_catalog.oid,
  "relpages" pg_catalog.int4,
  "reltuples" pg_catalog.text,
  "relallvisible" pg_catalog.int4,
  "relfilenode" pg_catalog.oid
)
WHERE c.oid = g.oid
