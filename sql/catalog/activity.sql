-- What sessions and prepared transactions do, and who waits for whom.
-- $1: seconds; $2: sessions of all databases are wanted, not only of this one; $3: only sessions of
-- this role, NULL: of any. Returns one row for each that is wanted (is_wanted) and whose statement or
-- transaction is at least so old, and, whatever was asked for, for each that waits for a lock and each
-- that is waited for. pid is 0 for a prepared transaction, which has a gid. statement_seconds: of a
-- running statement; idle_seconds: since the last one. blocked_by: pids as pg_blocking_pids gives them,
-- without repetition; blocked_by_gids: the prepared transactions behind its 0, as far as the lock
-- table tells. lock_mode, lock_target: what is waited for; relations of this database by name.
-- hidden_sessions stands in every row: wanted sessions whose statement the role may not see; if nothing
-- else is to be told there is one row with pid NULL.
-- Privilege: none; pg_read_all_stats to see what other roles do. Without it only waiting and blocking
-- sessions of others are returned, because the lock table may be read by everybody.
-- Cost: the activity view and the prepared transactions, once. The lock table, once, only while
-- somebody waits or may not be seen; pg_blocking_pids for those that wait.
WITH activity AS (
  SELECT
    a.*,
    -- A parallel worker waits for its leader's sake, and pg_blocking_pids answers for the whole group.
    COALESCE(CASE WHEN a.backend_type = 'parallel worker' THEN a.leader_pid END, a.pid)
      AS session_pid,
    a.query = '<insufficient privilege>' AS is_hidden,
    ($2::pg_catalog.bool OR a.datname = pg_catalog.current_database())
    AND ($3::pg_catalog.text IS NULL OR a.usename = $3::pg_catalog.text) AS is_wanted
  FROM pg_catalog.pg_stat_activity AS a
  WHERE a.pid <> pg_catalog.pg_backend_pid()
),
locks AS (
  SELECT l.*
  FROM pg_catalog.pg_locks AS l
  WHERE EXISTS (SELECT FROM activity AS a WHERE a.wait_event_type = 'Lock' OR a.is_hidden)
),
waits AS (
  SELECT
    w.session_pid,
    ARRAY(
      SELECT DISTINCT b.pid
      FROM pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.session_pid)) AS b (pid)
      ORDER BY b.pid
    ) AS blocked_by
  FROM (
    SELECT DISTINCT a.session_pid
    FROM activity AS a
    WHERE a.wait_event_type = 'Lock'
      OR a.is_hidden AND a.pid IN (SELECT l.pid FROM locks AS l WHERE NOT l.granted)
  ) AS w
),
-- One for a session, although several of its parallel workers may wait.
awaited AS (
  SELECT DISTINCT ON (a.session_pid)
    a.session_pid,
    l.*
  FROM locks AS l
  JOIN activity AS a ON a.pid = l.pid
  WHERE NOT l.granted
  ORDER BY a.session_pid, l.waitstart
),
-- The prepared transactions that hold what somebody waits for, in a mode that conflicts.
held AS (
  SELECT DISTINCT
    k.session_pid,
    x.gid
  FROM awaited AS k
  JOIN waits AS w ON w.session_pid = k.session_pid AND 0 = ANY (w.blocked_by)
  JOIN locks AS h
    ON h.pid IS NULL
    AND h.granted
    AND (
      h.locktype, h.database, h.relation, h.page, h.tuple, h.virtualxid, h.transactionid, h.classid,
      h.objid, h.objsubid
    ) IS NOT DISTINCT FROM (
      k.locktype, k.database, k.relation, k.page, k.tuple, k.virtualxid, k.transactionid, k.classid,
      k.objid, k.objsubid
    )
    AND CASE k.mode
      WHEN 'AccessShareLock' THEN h.mode = 'AccessExclusiveLock'
      WHEN 'RowShareLock' THEN h.mode IN ('ExclusiveLock', 'AccessExclusiveLock')
      WHEN 'RowExclusiveLock' THEN h.mode IN (
        'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'
      )
      WHEN 'ShareUpdateExclusiveLock'
        THEN h.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
      WHEN 'ShareLock' THEN h.mode NOT IN ('AccessShareLock', 'RowShareLock', 'ShareLock')
      WHEN 'ShareRowExclusiveLock' THEN h.mode NOT IN ('AccessShareLock', 'RowShareLock')
      WHEN 'ExclusiveLock' THEN h.mode <> 'AccessShareLock'
      ELSE true
    END
  -- A prepared transaction keeps its virtual one until the server restarts; the lock on its own
  -- transaction tells which that is.
  JOIN locks AS o
    ON o.pid IS NULL
    AND o.locktype = 'transactionid'
    AND o.virtualtransaction = h.virtualtransaction
  JOIN pg_catalog.pg_prepared_xacts AS x ON x.transaction = o.transactionid
)
SELECT
  t.hidden_sessions,
  s.*
FROM (
  SELECT
    pg_catalog.count(*) FILTER (
      WHERE a.is_hidden AND a.is_wanted AND a.datname IS NOT NULL
    )::pg_catalog.int4 AS hidden_sessions
  FROM activity AS a
) AS t
LEFT JOIN (
  SELECT
    a.pid,
    NULL::pg_catalog.text AS gid,
    COALESCE(a.is_wanted, false) AS is_wanted,
    a.usename::pg_catalog.text AS role,
    a.datname::pg_catalog.text AS database,
    a.application_name AS application,
    COALESCE(a.client_hostname, pg_catalog.host(a.client_addr)) AS client,
    a.state,
    a.wait_event_type,
    a.wait_event,
    a.backend_type,
    CASE WHEN NOT a.is_hidden THEN a.query END AS query,
    a.is_hidden,
    EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - CASE
      WHEN a.state IN ('active', 'fastpath function call') THEN a.query_start
    END)::pg_catalog.float8 AS statement_seconds,
    EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - a.xact_start)::pg_catalog.float8
      AS transaction_seconds,
    EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - CASE
      WHEN pg_catalog.starts_with(a.state, 'idle') THEN a.state_change
    END)::pg_catalog.float8 AS idle_seconds,
    EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - k.waitstart)::pg_catalog.float8
      AS waits_seconds,
    w.blocked_by,
    ARRAY(SELECT g.gid FROM held AS g WHERE g.session_pid = a.pid) AS blocked_by_gids,
    k.mode AS lock_mode,
    CASE
      WHEN k.locktype = 'relation' THEN r.relation
      WHEN k.locktype = 'extend' THEN 'the end of ' || r.relation
      WHEN k.locktype = 'page' THEN 'a page of ' || r.relation
      WHEN k.locktype = 'tuple' THEN 'a row of ' || r.relation
      WHEN k.locktype = 'transactionid' THEN pg_catalog.concat(
        'transaction ', k.transactionid, ', for a row of ' || r.relation
      )
      WHEN k.locktype = 'virtualxid' THEN 'transaction ' || k.virtualxid
      WHEN k.locktype = 'advisory' AND k.objsubid = 1 THEN pg_catalog.concat(
        'advisory lock ',
        (k.classid::pg_catalog.int8 << 32) | k.objid::pg_catalog.int8
      )
      WHEN k.locktype = 'advisory' THEN pg_catalog.concat(
        'advisory lock ', k.classid::pg_catalog.int4, ', ', k.objid::pg_catalog.int4
      )
      WHEN k.locktype = 'object' THEN pg_catalog.concat(
        'object ', k.objid, ' of ', k.classid::pg_catalog.regclass
      )
      ELSE k.locktype
    END AS lock_target
  FROM activity AS a
  LEFT JOIN waits AS w ON w.session_pid = a.pid
  LEFT JOIN awaited AS k ON k.session_pid = a.pid
  -- Who waits for the end of a transaction that changed a row has locked the row's place.
  LEFT JOIN LATERAL (
    SELECT p.database, p.relation
    FROM locks AS p
    WHERE k.locktype = 'transactionid' AND p.pid = k.pid AND p.locktype = 'tuple' AND p.granted
    LIMIT 1
  ) AS p ON true
  LEFT JOIN LATERAL (
    SELECT COALESCE(
      (
        SELECT pg_catalog.format('%I.%I', n.nspname, c.relname)
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.oid = COALESCE(k.relation, p.relation)
          AND (
            COALESCE(k.database, p.database) = 0::pg_catalog.oid
            OR COALESCE(k.database, p.database) = (
              SELECT d.oid FROM pg_catalog.pg_database AS d
              WHERE d.datname = pg_catalog.current_database()
            )
          )
      ),
      'relation ' || COALESCE(k.relation, p.relation)::pg_catalog.text
    ) AS relation
  ) AS r ON true
  WHERE a.session_pid = a.pid
    AND (
      w.session_pid IS NOT NULL
      OR a.pid IN (SELECT pg_catalog.unnest(b.blocked_by) FROM waits AS b)
      OR a.is_wanted
      -- A walsender has one statement that runs for ever.
      AND a.backend_type <> 'walsender'
      AND a.state <> 'idle'
      AND EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - LEAST(
        a.xact_start,
        CASE WHEN NOT pg_catalog.starts_with(a.state, 'idle') THEN a.query_start END
      ))::pg_catalog.float8 >= $1::pg_catalog.float8
    )
  UNION ALL
  SELECT
    0,
    x.gid,
    x.is_wanted,
    x.owner::pg_catalog.text,
    x.database::pg_catalog.text,
    NULL,
    NULL,
    'prepared',
    NULL,
    NULL,
    'prepared transaction',
    NULL,
    false,
    NULL,
    x.seconds,
    x.seconds,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL
  FROM (
    SELECT
      y.*,
      EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - y.prepared)::pg_catalog.float8 AS seconds,
      ($2::pg_catalog.bool OR y.database = pg_catalog.current_database())
      AND ($3::pg_catalog.text IS NULL OR y.owner = $3::pg_catalog.text) AS is_wanted
    FROM pg_catalog.pg_prepared_xacts AS y
  ) AS x
  WHERE x.gid IN (SELECT g.gid FROM held AS g)
    OR x.is_wanted AND x.seconds >= $1::pg_catalog.float8
) AS s ON true
