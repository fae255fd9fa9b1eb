-- What changed from one snapshot to another.
-- $1: after this snapshot; $2: up to this one. Returns a row for each change in their order: snapshot,
-- the statement's key, stats_since_epoch and its figures; calls is NULL where it was not counted any
-- more.
-- Privilege: SELECT on pgtend.sample and pgtend.statement. Cost: these rows, by index.
SELECT
  m.snapshot,
  k.dbid,
  k.userid,
  k.queryid,
  k.toplevel,
  m.stats_since_epoch,
  m.calls,
  m.rows,
  m.total_ms,
  m.min_ms,
  m.max_ms,
  m.stddev_ms,
  m.plans,
  m.plan_ms,
  m.shared_hit_blocks,
  m.shared_read_blocks,
  m.shared_dirtied_blocks,
  m.shared_written_blocks,
  m.local_hit_blocks,
  m.local_read_blocks,
  m.local_dirtied_blocks,
  m.local_written_blocks,
  m.temp_read_blocks,
  m.temp_written_blocks,
  m.read_ms,
  m.write_ms,
  m.temp_read_ms,
  m.temp_write_ms,
  m.wal_records,
  m.wal_full_page_images,
  m.wal_bytes,
  m.jit_functions,
  m.jit_ms,
  m.workers_launched
FROM pgtend.sample AS m
JOIN pgtend.statement AS k ON k.id = m.statement
WHERE m.snapshot > $1::pg_catalog.int8 AND m.snapshot <= $2::pg_catalog.int8
ORDER BY m.snapshot
