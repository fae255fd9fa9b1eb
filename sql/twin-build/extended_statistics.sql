-- Writes what ANALYZE found out for extended statistics. Only on a twin, where bytea is cast to their
-- types as it is.
-- $1: their schema; $2: their name; $3: ndistinct, $4: dependencies, $5: common values, in hexadecimal;
-- NULL: none. {carrier}: the table whose columns have the statistics of the expressions, or nothing.
INSERT INTO pg_catalog.pg_statistic_ext_data
  (stxoid, {inherit_column}stxdndistinct, stxddependencies, stxdmcv, stxdexpr)
SELECT
  s.oid,
  {inherit_value}pg_catalog.decode($3::pg_catalog.text, 'hex')::pg_catalog.pg_ndistinct,
  pg_catalog.decode($4::pg_catalog.text, 'hex')::pg_catalog.pg_dependencies,
  pg_catalog.decode($5::pg_catalog.text, 'hex')::pg_catalog.pg_mcv_list,
  (
    SELECT pg_catalog.array_agg(c ORDER BY c.staattnum)
    FROM pg_catalog.pg_statistic AS c
    WHERE c.starelid = pg_catalog.to_regclass({carrier})
  )
FROM pg_catalog.pg_statistic_ext AS s
JOIN pg_catalog.pg_namespace AS n ON n.oid = s.stxnamespace
WHERE n.nspname = $1::pg_catalog.text AND s.stxname = $2::pg_catalog.text
