-- The standbys and subscribers that are attached.
-- Returns name: what it calls itself, else its address; is_streaming; is_synchronous: commits may wait for it;
-- behind_bytes: WAL that it has not replayed (NULL: it replays none, as pg_receivewal); behind_seconds (NULL: it
-- has nothing to replay).
-- Privilege: pg_read_all_stats, else all figures are NULL. Cost: one small view.
SELECT
  COALESCE(NULLIF(r.application_name, ''), pg_catalog.host(r.client_addr), r.pid::pg_catalog.text)
    AS name,
  COALESCE(r.state = 'streaming', false) AS is_streaming,
  COALESCE(r.sync_state IN ('sync', 'quorum'), false) AS is_synchronous,
  pg_catalog.pg_wal_lsn_diff(p.lsn, r.replay_lsn)::pg_catalog.int8 AS behind_bytes,
  pg_catalog.date_part('epoch', r.replay_lag) AS behind_seconds
FROM pg_catalog.pg_stat_replication AS r
CROSS JOIN (
  SELECT
    CASE
      WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
      ELSE pg_catalog.pg_current_wal_lsn()
    END AS lsn
) AS p
