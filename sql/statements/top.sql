-- The statements that come first by some figure, and what all of them come to.
-- In braces: schema, that of the extension; key and figures, its columns as far as this version has
-- them; calls, total, wal and rank, its expressions for these. $1: the database's oid, NULL for all; $2:
-- how many, NULL for all; $3: at least so many calls; $4: at least this mean in ms; $5: the user's oid,
-- NULL for all; $6: only these queryids, NULL for all; $7: from which mean in ms on one counts as slow.
-- Returns at least one row: all_* of all statements of the database(s), the rest NULL where none is
-- left.
-- Privilege: none; pg_read_all_stats for statements of others. Cost: the counters once; columns are
-- only computed for what is returned.
WITH counted AS MATERIALIZED (
  SELECT s.*
  FROM {schema}.pg_stat_statements(false) AS s
  WHERE $1::pg_catalog.oid IS NULL OR s.dbid = $1::pg_catalog.oid
)
SELECT
  a.*,
  {key},
  {counters}
FROM (
  SELECT
    pg_catalog.count(*) AS all_statements,
    pg_catalog.count(*) FILTER (WHERE s.queryid IS NULL) AS all_hidden,
    COALESCE(pg_catalog.sum({total}), 0)::pg_catalog.float8 AS all_ms,
    COALESCE(pg_catalog.sum({calls}), 0)::pg_catalog.float8 AS all_calls,
    pg_catalog.sum({wal}) AS all_wal_bytes,
    pg_catalog.count(*) FILTER (
      WHERE s.queryid IS NOT NULL
        AND {total} >= $7::pg_catalog.float8 * {calls}
        AND {calls} > 0::pg_catalog.float8
    ) AS all_slow,
    pg_catalog.count(*) FILTER (
      WHERE s.queryid IS NOT NULL
        AND {calls} >= $3::pg_catalog.float8
        AND {total} >= $4::pg_catalog.float8 * {calls}
        AND ($5::pg_catalog.oid IS NULL OR s.userid = $5::pg_catalog.oid)
        AND ($6::pg_catalog.int8[] IS NULL OR s.queryid = ANY ($6::pg_catalog.int8[]))
    ) AS matching
  FROM counted AS s
) AS a
LEFT JOIN LATERAL (
  SELECT s.*
  FROM counted AS s
  WHERE s.queryid IS NOT NULL
    AND {calls} >= $3::pg_catalog.float8
    AND {total} >= $4::pg_catalog.float8 * {calls}
    AND ($5::pg_catalog.oid IS NULL OR s.userid = $5::pg_catalog.oid)
    AND ($6::pg_catalog.int8[] IS NULL OR s.queryid = ANY ($6::pg_catalog.int8[]))
  ORDER BY {rank} DESC NULLS LAST, {total} DESC, s.queryid
  LIMIT $2::pg_catalog.int8
) AS s ON true
