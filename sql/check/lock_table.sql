-- How full the shared table of locks is.
-- Returns one row: locks: objects that are locked there; fast-path locks have a place of their own.
-- Privilege: none. Cost: the lock table once.
SELECT pg_catalog.count(*) AS locks
FROM (
  SELECT DISTINCT
    l.locktype,
    l.database,
    l.relation,
    l.page,
    l.tuple,
    l.virtualxid,
    l.transactionid,
    l.classid,
    l.objid,
    l.objsubid
  FROM pg_catalog.pg_locks AS l
  WHERE NOT l.fastpath AND l.mode <> 'SIReadLock'
) AS o
