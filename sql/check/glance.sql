-- The server at a glance, in one row.
-- Returns started (epoch) and uptime_seconds; size_bytes of this database (NULL without CONNECT); sessions: client
-- backends of all databases; connection_limit: max_connections without what is reserved; standbys that are
-- attached, slots; in_recovery; replay_lag_bytes and replay_seconds: what a standby has received and not
-- replayed, and the age of the last transaction that it has (NULL on a primary); made_epoch: when initdb made the
-- cluster (NULL where the role may not know).
-- Privilege: none. Cost: the sizes of this database's files.
SELECT
  pg_catalog.date_part('epoch', pg_catalog.pg_postmaster_start_time()) AS started_epoch,
  pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - pg_catalog.pg_postmaster_start_time())
    AS uptime_seconds,
  CASE
    WHEN pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CONNECT')
      THEN pg_catalog.pg_database_size(pg_catalog.current_database())
  END AS size_bytes,
  (
    SELECT pg_catalog.count(*)
    FROM pg_catalog.pg_stat_activity AS a
    WHERE a.backend_type = 'client backend'
  ) AS sessions,
  (
    SELECT pg_catalog.sum(
      CASE s.name WHEN 'max_connections' THEN 1 ELSE -1 END * s.setting::pg_catalog.int4
    )
    FROM pg_catalog.pg_settings AS s
    WHERE s.name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')
  ) AS connection_limit,
  (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_get_wal_senders() AS w) AS standbys,
  (SELECT pg_catalog.count(*) FROM pg_catalog.pg_get_replication_slots() AS r) AS slots,
  pg_catalog.pg_is_in_recovery() AS in_recovery,
  CASE
    WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_wal_lsn_diff(
      pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn()
    )::pg_catalog.int8
  END AS replay_lag_bytes,
  CASE
    WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.date_part(
      'epoch', pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp()
    )
  END AS replay_seconds,
  CASE
    WHEN pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')
      -- initdb makes the identifier of the time and its process.
      THEN (SELECT (c.system_identifier >> 32)::pg_catalog.float8 FROM pg_catalog.pg_control_system() AS c)
  END AS made_epoch
