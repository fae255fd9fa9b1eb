-- The statements that come first by some figure, and what all of them come to.
-- In braces: schema, that of the extension; key and figures, its columns as far as this version has them;
-- rank, the figure. $1: the database's oid, NULL for all; $2: how many, NULL for all; $3: at least
-- so many calls; $4: at least this mean in ms; $5: the user's oid, NULL for all; $6: only these
-- queryids, NULL for all; $7: from which mean in ms on one counts as slow. Returns at least one row: all_* of all statements of the database(s), the
-- rest NULL where none is left.
-- Privilege: none; pg_read_all_stats for statements of others. Cost: the counters once.
WITH s AS MATERIALIZED (
  SELECT
    {key},
    {figures}
  FROM {schema}.pg_stat_statements(false) AS s
  WHERE $1::pg_catalog.oid IS NULL OR s.dbid = $1::pg_catalog.oid
)
SELECT
  a.*,
  t.*
FROM (
  SELECT
    pg_catalog.count(*) AS all_statements,
    pg_catalog.count(*) FILTER (WHERE s.queryid IS NULL) AS all_hidden,
    COALESCE(pg_catalog.sum(s.total_ms), 0) AS all_ms,
    COALESCE(pg_catalog.sum(s.calls), 0) AS all_calls,
    pg_catalog.count(*) FILTER (
      WHERE s.queryid IS NOT NULL AND s.total_ms >= $7::pg_catalog.float8 * s.calls AND s.calls > 0
    ) AS all_slow
  FROM s
) AS a
LEFT JOIN LATERAL (
  SELECT
    s.*,
    pg_catalog.count(*) OVER () AS matching
  FROM s
  WHERE s.queryid IS NOT NULL
    AND s.calls >= $3::pg_catalog.float8
    AND s.total_ms >= $4::pg_catalog.float8 * s.calls
    AND ($5::pg_catalog.oid IS NULL OR s.userid = $5::pg_catalog.oid)
    AND ($6::pg_catalog.int8[] IS NULL OR s.queryid = ANY ($6::pg_catalog.int8[]))
  ORDER BY {rank} DESC NULLS LAST, s.total_ms DESC, s.queryid
  LIMIT $2::pg_catalog.int8
) AS t ON true
