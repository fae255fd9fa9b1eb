-- As observe.sql, for a statement that can only concern what is new: nothing is asked about locks,
-- because looking for one among many thousands takes its time.
-- $1: the newest object that is known.
-- Privilege: none. Cost: index look-ups.
WITH made AS MATERIALIZED (
  SELECT m.oid
  FROM (
    SELECT GREATEST(
      $1::pg_catalog.int8,
      NULLIF(pg_catalog.current_setting('pgtend.newest', true), '')::pg_catalog.int8
    ) AS newest
  ) AS known
  CROSS JOIN LATERAL (
    SELECT c.oid::pg_catalog.int8 AS oid
    FROM pg_catalog.pg_class AS c
    WHERE c.oid > known.newest::pg_catalog.oid
    UNION ALL
    SELECT k.oid::pg_catalog.int8 AS oid
    FROM pg_catalog.pg_constraint AS k
    WHERE k.oid > known.newest::pg_catalog.oid
  ) AS m
)
SELECT
  pg_catalog.json_build_object(
    'at_us',
    (pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000000)::pg_catalog.int8,
    'relations', '[]'::pg_catalog.json,
    'made', (SELECT COALESCE(pg_catalog.json_agg(m.oid), '[]'::pg_catalog.json) FROM made AS m)
  )::pg_catalog.text AS observation,
  pg_catalog.set_config(
    'pgtend.newest',
    COALESCE(
      (SELECT pg_catalog.max(m.oid) FROM made AS m)::pg_catalog.text,
      pg_catalog.current_setting('pgtend.newest', true)
    ),
    true
  ) AS newest
