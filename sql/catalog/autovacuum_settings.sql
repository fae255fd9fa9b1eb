-- When autovacuum would vacuum or analyze a table that has no settings of its own.
-- Returns one row; max_threshold is NULL before 18. standbys: how many are attached.
-- Privilege: none; standbys are only counted with pg_monitor. Cost: a few settings.
SELECT
  pg_catalog.current_setting('autovacuum_vacuum_threshold')::pg_catalog.float8
    AS vacuum_threshold,
  pg_catalog.current_setting('autovacuum_vacuum_scale_factor')::pg_catalog.float8
    AS vacuum_scale_factor,
  pg_catalog.current_setting('autovacuum_vacuum_max_threshold', true)::pg_catalog.float8
    AS vacuum_max_threshold,
  pg_catalog.current_setting('autovacuum_vacuum_insert_threshold')::pg_catalog.float8
    AS insert_threshold,
  pg_catalog.current_setting('autovacuum_vacuum_insert_scale_factor')::pg_catalog.float8
    AS insert_scale_factor,
  pg_catalog.current_setting('autovacuum_analyze_threshold')::pg_catalog.float8
    AS analyze_threshold,
  pg_catalog.current_setting('autovacuum_analyze_scale_factor')::pg_catalog.float8
    AS analyze_scale_factor,
  pg_catalog.current_setting('autovacuum_freeze_max_age')::pg_catalog.float8 AS freeze_max_age,
  pg_catalog.current_setting('autovacuum_multixact_freeze_max_age')::pg_catalog.float8
    AS multixact_freeze_max_age,
  pg_catalog.current_setting('block_size')::pg_catalog.int8 AS block_size_bytes,
  (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_replication)::pg_catalog.int8 AS standbys
