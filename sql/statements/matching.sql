-- Which statements have some words in their text, and others not.
-- In braces: schema, that of the extension. $1: words that have to be in it, each; $2: words of which none may
-- be. Returns queryid.
-- Privilege: none; pg_read_all_stats for statements of others. Cost: the server reads all texts, and
-- keeps them in memory as far as work_mem goes.
SELECT DISTINCT s.queryid
FROM {schema}.pg_stat_statements(true) AS s
WHERE s.queryid IS NOT NULL
  AND NOT EXISTS (
    SELECT FROM pg_catalog.unnest($1::pg_catalog.text[]) AS w (word)
    WHERE pg_catalog.strpos(pg_catalog.lower(s.query), pg_catalog.lower(w.word)) = 0
  )
  AND NOT EXISTS (
    SELECT FROM pg_catalog.unnest($2::pg_catalog.text[]) AS w (word)
    WHERE pg_catalog.strpos(pg_catalog.lower(s.query), pg_catalog.lower(w.word)) > 0
  )
