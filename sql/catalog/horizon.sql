-- Who keeps dead rows from being removed: the oldest transaction that anybody may still look back to.
-- Returns, oldest first, what it is (session, prepared transaction, replication slot, standby), its
-- name or pid, who, and its age in transactions; our own sessions and VACUUMs hold nothing back. Of the
-- same age come first those that keep the transaction open, then sessions that only look back to it.
-- Privilege: pg_read_all_stats to see others' sessions. Cost: five small views.
SELECT h.kind, h.name, h.who, h.age
FROM (
  SELECT
    'session' AS kind,
    a.pid::pg_catalog.text AS name,
    pg_catalog.concat_ws(', ', NULLIF(a.application_name, ''), a.usename, a.state) AS who,
    GREATEST(pg_catalog.age(a.backend_xmin), pg_catalog.age(a.backend_xid)) AS age,
    COALESCE(pg_catalog.age(a.backend_xmin) > pg_catalog.age(a.backend_xid), a.backend_xid IS NULL) AS looks_back
  FROM pg_catalog.pg_stat_activity AS a
  WHERE (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL)
    AND a.application_name <> pg_catalog.current_setting('application_name')
    AND a.pid NOT IN (
      SELECT v.pid FROM pg_catalog.pg_stat_progress_vacuum AS v WHERE v.pid IS NOT NULL
    )
  UNION ALL
  SELECT 'prepared transaction', x.gid, x.owner::pg_catalog.text, pg_catalog.age(x.transaction), false
  FROM pg_catalog.pg_prepared_xacts AS x
  UNION ALL
  SELECT
    'replication slot',
    s.slot_name::pg_catalog.text,
    CASE WHEN s.active THEN 'active' ELSE 'inactive' END,
    GREATEST(pg_catalog.age(s.xmin), pg_catalog.age(s.catalog_xmin)),
    false
  FROM pg_catalog.pg_replication_slots AS s
  WHERE s.xmin IS NOT NULL OR s.catalog_xmin IS NOT NULL
  UNION ALL
  SELECT
    'standby',
    COALESCE(NULLIF(r.application_name, ''), r.pid::pg_catalog.text),
    'hot_standby_feedback',
    pg_catalog.age(r.backend_xmin),
    false
  FROM pg_catalog.pg_stat_replication AS r
  WHERE r.backend_xmin IS NOT NULL
) AS h
ORDER BY h.age DESC, h.looks_back
LIMIT 5
