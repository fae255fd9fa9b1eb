-- How far some sequences have counted.
-- $1: those behind this oid; $2: how many at most. Returns a row for each in the order of their oids: oid;
-- value, NULL where it was never used or could not be read; may_read; is_locked: another session has
-- locked it, so that one would wait for it.
-- Privilege: USAGE or SELECT on a sequence, or pg_read_all_data. Cost: one page of each, and a light lock on
-- each until the statement ends; the lock table once.
WITH locked AS MATERIALIZED (
  SELECT l.relation
  FROM pg_catalog.pg_locks AS l
  JOIN pg_catalog.pg_database AS d ON d.oid = l.database
  WHERE l.locktype = 'relation'
    AND l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
    AND d.datname = pg_catalog.current_database()
),
next AS MATERIALIZED (
  SELECT
    q.seqrelid AS oid,
    COALESCE(pg_catalog.has_sequence_privilege(q.seqrelid, 'USAGE, SELECT'), false) AS may_read,
    EXISTS (SELECT FROM locked AS l WHERE l.relation = q.seqrelid) AS is_locked
  FROM pg_catalog.pg_sequence AS q
  JOIN pg_catalog.pg_class AS c ON c.oid = q.seqrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE q.seqrelid > $1::pg_catalog.oid
    AND c.relpersistence <> 't'::pg_catalog."char"
    AND n.nspname <> 'pgtend'::pg_catalog.name
  ORDER BY q.seqrelid
  LIMIT $2::pg_catalog.int8
)
SELECT
  n.oid,
  CASE
    WHEN n.may_read AND NOT n.is_locked
      THEN pg_catalog.pg_sequence_last_value(n.oid::pg_catalog.regclass)
  END AS value,
  n.may_read,
  n.is_locked
FROM next AS n
ORDER BY n.oid
