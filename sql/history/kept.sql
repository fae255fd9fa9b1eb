-- What the schema pgtend remembers, for who is about to remove it.
-- Returns one row: runs (steps of jobs), snapshots.
-- Privilege: SELECT on pgtend.run and pgtend.snapshot. Cost: reads both tables.
SELECT
  (SELECT pg_catalog.count(*) FROM pgtend.run AS r) AS runs,
  (SELECT pg_catalog.count(*) FROM pgtend.snapshot AS s) AS snapshots
