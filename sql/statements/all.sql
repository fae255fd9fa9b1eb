-- The counters of every statement, without its text.
-- In braces: schema, that of the extension; key and figures, its columns as far as this version has them.
-- $1: the database's oid, NULL for all. Returns a row for each; queryid is NULL where the role may
-- not see the statement.
-- Privilege: none; pg_read_all_stats for statements of others. Cost: the counters once.
SELECT
  {key},
  {counters}
FROM {schema}.pg_stat_statements(false) AS s
WHERE $1::pg_catalog.oid IS NULL OR s.dbid = $1::pg_catalog.oid
