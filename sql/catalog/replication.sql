-- How far the standbys are behind, and which slots hold back WAL for nobody.
-- Returns kind ('standby' or 'slot'), name, and lag_seconds of a standby (NULL: idle, or not to be
-- seen) or retained_bytes of an inactive slot.
-- Privilege: pg_monitor; without it the figures are NULL. Cost: two small views.
SELECT
  'standby' AS kind,
  COALESCE(NULLIF(r.application_name, ''), r.client_addr::pg_catalog.text, r.pid::pg_catalog.text)
    AS name,
  pg_catalog.date_part('epoch', r.replay_lag) AS lag_seconds,
  NULL::pg_catalog.int8 AS retained_bytes
FROM pg_catalog.pg_stat_replication AS r
UNION ALL
SELECT
  'slot',
  s.slot_name::pg_catalog.text,
  NULL,
  pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), s.restart_lsn)::pg_catalog.int8
FROM pg_catalog.pg_replication_slots AS s
WHERE NOT s.active AND s.restart_lsn IS NOT NULL
