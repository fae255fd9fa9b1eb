-- The replication slots.
-- Returns name; kind: physical or logical; is_active: somebody reads it; is_temporary; is_synced: the standby's
-- copy of a slot of its primary; wal_status as the view says it; retained_bytes: WAL that it keeps (NULL: none);
-- safe_bytes: WAL that may still be written before it is lost (NULL: no limit); inactive_seconds (NULL: active, or a
-- server before 17); invalidation_reason (NULL: none, or a server before 17).
-- Privilege: none. Cost: one small view.
SELECT
  s.slot_name::pg_catalog.text AS name,
  s.slot_type AS kind,
  s.active AS is_active,
  s.temporary AS is_temporary,
  COALESCE((pg_catalog.to_jsonb(s) ->> 'synced')::pg_catalog.bool, false) AS is_synced,
  s.wal_status,
  pg_catalog.pg_wal_lsn_diff(p.lsn, s.restart_lsn)::pg_catalog.int8 AS retained_bytes,
  s.safe_wal_size AS safe_bytes,
  pg_catalog.date_part(
    'epoch',
    pg_catalog.clock_timestamp()
    - (pg_catalog.to_jsonb(s) ->> 'inactive_since')::pg_catalog.timestamptz
  ) AS inactive_seconds,
  pg_catalog.to_jsonb(s) ->> 'invalidation_reason' AS invalidation_reason
FROM pg_catalog.pg_replication_slots AS s
CROSS JOIN (
  SELECT
    CASE
      WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
      ELSE pg_catalog.pg_current_wal_lsn()
    END AS lsn
) AS p
