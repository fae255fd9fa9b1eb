-- The counters of every statement at a snapshot.
-- $1: the snapshot. Returns a row for each: its key, stats_since_epoch and its figures.
-- Privilege: SELECT on pgtend.sample and pgtend.statement. Cost: a row by index for each statement.
SELECT
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
FROM pgtend.statement AS k
CROSS JOIN LATERAL (
  SELECT m.*
  FROM pgtend.sample AS m
  WHERE m.statement = k.id AND m.snapshot <= $1::pg_catalog.int8
  ORDER BY m.snapshot DESC
  LIMIT 1
) AS m
WHERE m.calls IS NOT NULL
