-- How much WAL is kept on disk.
-- Returns bytes and files.
-- Privilege: pg_monitor. Cost: one look at each file of the folder pg_wal.
SELECT
  COALESCE(pg_catalog.sum(w.size)::pg_catalog.int8, 0::pg_catalog.int8) AS bytes,
  pg_catalog.count(*) AS files
FROM pg_catalog.pg_ls_waldir() AS w
