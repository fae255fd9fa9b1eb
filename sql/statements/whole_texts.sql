-- The texts of statements as a whole, until together they are too large; the beginnings of the others.
-- In braces: schema, that of the extension; key, its columns as far as this version has them. $1: their
-- queryids; $2: how many characters of a text that does not fit; $3: bytes of those that do. Returns the key,
-- query, and bytes of the whole text.
-- Privilege: none; pg_read_all_stats for statements of others. Cost: the server reads all texts, and
-- keeps them in memory as far as work_mem goes; it sends no more than is wanted.
SELECT
  {key},
  CASE
    WHEN pg_catalog.sum(pg_catalog.octet_length(s.query)) OVER (ROWS UNBOUNDED PRECEDING) <= $3::pg_catalog.int8
    THEN s.query
    ELSE pg_catalog.left(s.query, $2::pg_catalog.int4)
  END AS query,
  pg_catalog.octet_length(s.query) AS bytes
FROM {schema}.pg_stat_statements(true) AS s
WHERE s.queryid = ANY ($1::pg_catalog.int8[]) AND s.query IS NOT NULL
