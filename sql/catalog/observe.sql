-- What the statements of this transaction have taken, scanned, made, changed and dropped so far, and what
-- the session has set.
-- $1: the newest object that was there before the migration; 0: the statement can only concern what is
-- new, so nothing is asked about locks, because looking for one among many thousands takes its time.
-- $2: the newest object that is known; 0: none is, and all relations are told.
-- Returns one JSON object: at_us: the server's clock in microseconds; locked: each table and materialized
-- view up to $1 that this session has locked, with the modes, the file's number (0: none), and the
-- sequential scans that are not yet in the statistics; relations: those that are newer than $2, and older
-- ones whose row in pg_class this transaction has written (of: an index's table, a partition's parent);
-- present: where this session has deleted any such row, all that are left, else null; constraints: those
-- that are newer than $2; settings; schema and schemas: where the session makes and looks for relations.
-- What one such query has told, the next one of the same transaction does not tell again: it keeps in
-- settings of the transaction how far it has come. Whether rows were written is told by the counters of
-- this session that are not yet in the statistics; where these are not kept, by the rows themselves.
-- Asked in a session whose search path is a migration's, so that operators are named with their schema, too.
-- Privilege: none. Cost: index look-ups; unless $1 is 0 one pass over the lock table; and one pass over
-- pg_class where the transaction has changed rows of it.
WITH counted AS MATERIALIZED (
  SELECT
    pg_catalog.pg_stat_get_xact_tuples_updated('pg_catalog.pg_class'::pg_catalog.regclass)
      ::pg_catalog.text AS updated,
    pg_catalog.pg_stat_get_xact_tuples_deleted('pg_catalog.pg_class'::pg_catalog.regclass)
      ::pg_catalog.text AS deleted,
    COALESCE(pg_catalog.current_setting('pgtend.newest', true), ''::pg_catalog.text) AS newest,
    COALESCE(pg_catalog.current_setting('pgtend.updated', true), ''::pg_catalog.text) AS was_updated,
    COALESCE(pg_catalog.current_setting('pgtend.deleted', true), ''::pg_catalog.text) AS was_deleted,
    COALESCE(pg_catalog.current_setting('pgtend.command', true), ''::pg_catalog.text) AS command,
    pg_catalog.pg_current_xact_id_if_assigned() IS NOT NULL AS writes,
    pg_catalog.current_setting('track_counts') OPERATOR(pg_catalog.=) 'off'::pg_catalog.text
      AS is_blind
),

state AS MATERIALIZED (
  SELECT
    CASE
      WHEN $2::pg_catalog.int8 OPERATOR(pg_catalog.=) 0::pg_catalog.int8 THEN 16383::pg_catalog.int8
      WHEN n.newest OPERATOR(pg_catalog.<>) ''::pg_catalog.text
        THEN GREATEST($2::pg_catalog.int8, n.newest::pg_catalog.int8)
      ELSE $2::pg_catalog.int8
    END AS newest,
    CASE
      WHEN n.command OPERATOR(pg_catalog.<>) ''::pg_catalog.text THEN n.command::pg_catalog.int8
      ELSE (-1)::pg_catalog.int8
    END AS command,
    n.writes,
    n.writes AND (n.is_blind OR n.updated OPERATOR(pg_catalog.<>) (
      CASE
        WHEN n.was_updated OPERATOR(pg_catalog.<>) ''::pg_catalog.text THEN n.was_updated
        ELSE '0'::pg_catalog.text
      END
    )) AS is_updated,
    n.writes AND (n.is_blind OR n.deleted OPERATOR(pg_catalog.<>) (
      CASE
        WHEN n.was_deleted OPERATOR(pg_catalog.<>) ''::pg_catalog.text THEN n.was_deleted
        ELSE '0'::pg_catalog.text
      END
    )) AS is_deleted
  FROM counted AS n
),

touched AS MATERIALIZED (
  SELECT m.oid, m.command
  FROM state AS s
  CROSS JOIN LATERAL (
    SELECT
      c.oid,
      CASE
        WHEN s.writes AND pg_catalog.age(c.xmin) OPERATOR(pg_catalog.<=) 0
          THEN c.cmin::pg_catalog.text::pg_catalog.int8
      END AS command
    FROM pg_catalog.pg_class AS c
    WHERE c.oid OPERATOR(pg_catalog.>) s.newest::pg_catalog.oid
  ) AS m
  UNION ALL
  SELECT c.oid, c.cmin::pg_catalog.text::pg_catalog.int8 AS command
  FROM pg_catalog.pg_class AS c
  WHERE (SELECT s.is_updated FROM state AS s)
    AND c.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
    AND c.oid OPERATOR(pg_catalog.<=) (SELECT s.newest FROM state AS s)::pg_catalog.oid
    AND pg_catalog.age(c.xmin) OPERATOR(pg_catalog.<=) 0
    AND c.cmin::pg_catalog.text::pg_catalog.int8
      OPERATOR(pg_catalog.>) (SELECT s.command FROM state AS s)
),

constraints AS MATERIALIZED (
  SELECT k.oid::pg_catalog.int8 AS oid
  FROM state AS s
  CROSS JOIN LATERAL (
    SELECT k.oid
    FROM pg_catalog.pg_constraint AS k
    WHERE k.oid OPERATOR(pg_catalog.>) s.newest::pg_catalog.oid
  ) AS k
)

SELECT
  pg_catalog.json_build_object(
    'at_us',
    (
      pg_catalog.date_part('epoch', pg_catalog.clock_timestamp())
      OPERATOR(pg_catalog.*) 1000000::pg_catalog.float8
    )::pg_catalog.int8,
    'locked', (
      SELECT COALESCE(pg_catalog.json_agg(r), '[]'::pg_catalog.json)
      FROM (
        SELECT
          c.oid::pg_catalog.int8 AS oid,
          c.relfilenode::pg_catalog.int8 AS file,
          pg_catalog.pg_stat_get_xact_numscans(c.oid) AS scans,
          pg_catalog.array_agg(l.mode) AS modes
        FROM pg_catalog.pg_locks AS l
        JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) l.relation
        WHERE l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
          AND l.locktype OPERATOR(pg_catalog.=) 'relation'::pg_catalog.text
          AND l.granted
          AND $1::pg_catalog.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
          AND l.relation OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
          AND l.relation OPERATOR(pg_catalog.<=) $1::pg_catalog.oid
          AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,m}'::pg_catalog."char"[])
          AND c.relpersistence OPERATOR(pg_catalog.<>) 't'::pg_catalog."char"
        GROUP BY c.oid, c.relfilenode
        ORDER BY c.oid
      ) AS r
    ),
    'relations', (
      SELECT COALESCE(pg_catalog.json_agg(r), '[]'::pg_catalog.json)
      FROM (
        SELECT
          c.oid::pg_catalog.int8 AS oid,
          n.nspname AS schema,
          c.relname AS name,
          c.relkind AS kind,
          COALESCE(
            i.indrelid,
            (
              SELECT h.inhparent
              FROM pg_catalog.pg_inherits AS h
              WHERE h.inhrelid OPERATOR(pg_catalog.=) c.oid
                AND h.inhseqno OPERATOR(pg_catalog.=) 1
            )
          )::pg_catalog.int8 AS of,
          COALESCE(i.indisunique, false) AS is_unique,
          EXISTS (
            SELECT
            FROM pg_catalog.pg_constraint AS k
            WHERE k.conrelid OPERATOR(pg_catalog.=) i.indrelid
              AND k.conindid OPERATOR(pg_catalog.=) c.oid
              AND k.contype OPERATOR(pg_catalog.=) ANY ('{p,u,x}'::pg_catalog."char"[])
          ) AS is_constraint,
          c.relacl IS NOT NULL AS has_privileges,
          c.relpersistence OPERATOR(pg_catalog.=) 't'::pg_catalog."char" AS is_temporary
        FROM touched AS t
        JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) t.oid
        JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
        LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid OPERATOR(pg_catalog.=) c.oid
        ORDER BY c.oid
      ) AS r
    ),
    'present', CASE WHEN (SELECT s.is_deleted FROM state AS s) THEN (
      SELECT pg_catalog.json_agg(c.oid::pg_catalog.int8)
      FROM pg_catalog.pg_class AS c
      WHERE c.oid OPERATOR(pg_catalog.>=) 16384::pg_catalog.oid
    ) END,
    'constraints', (
      SELECT COALESCE(pg_catalog.json_agg(k.oid), '[]'::pg_catalog.json) FROM constraints AS k
    ),
    'settings', pg_catalog.json_build_object(
      'lock_timeout', pg_catalog.current_setting('lock_timeout'),
      'statement_timeout', pg_catalog.current_setting('statement_timeout'),
      'transaction_timeout', pg_catalog.current_setting('transaction_timeout', true),
      'search_path', pg_catalog.current_setting('search_path')
    ),
    'schema', pg_catalog.current_schema(),
    'schemas', pg_catalog.current_schemas(true)
  )::pg_catalog.text AS observation,
  pg_catalog.set_config(
    'pgtend.newest',
    GREATEST(
      (SELECT s.newest FROM state AS s),
      (SELECT pg_catalog.max(t.oid) FROM touched AS t)::pg_catalog.int8,
      (SELECT pg_catalog.max(k.oid) FROM constraints AS k)
    )::pg_catalog.text,
    true
  ) AS newest,
  pg_catalog.set_config(
    'pgtend.command',
    GREATEST(
      (SELECT s.command FROM state AS s),
      (SELECT pg_catalog.max(t.command) FROM touched AS t)
    )::pg_catalog.text,
    true
  ) AS command,
  pg_catalog.set_config('pgtend.updated', (SELECT n.updated FROM counted AS n), true) AS updated,
  pg_catalog.set_config('pgtend.deleted', (SELECT n.deleted FROM counted AS n), true) AS deleted
