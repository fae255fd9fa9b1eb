-- What the contents of materialized views are made of, and how far it has been changed.
-- $1: oids of the views. Returns for each view all that it reads, through plain views and down to
-- partitions and children: kind 'relation' with its file and the rows written so far (by the
-- statistics), kind 'view' with a digest of its definition; and kind 'unknown' with the reason why
-- nobody can tell whether the contents would be the same now. server: changes whenever the
-- statistics may have been set back (a reset, a crash, a restart), NULL when they are not kept.
-- Privilege: none. Cost: the rewrite rules and dependencies of these views and of what they read.
WITH RECURSIVE reads AS (
  SELECT v.oid AS root, v.oid AS relation FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS v (oid)
  UNION
  SELECT s.root, x.relation
  FROM reads AS s
  JOIN pg_catalog.pg_class AS c ON c.oid = s.relation
  CROSS JOIN LATERAL (
    SELECT d.refobjid
    FROM pg_catalog.pg_rewrite AS r
    JOIN pg_catalog.pg_depend AS d
      ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
      AND d.objid = r.oid
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.refobjid <> s.relation
    WHERE r.ev_class = s.relation AND (c.relkind = 'v' OR s.relation = s.root)
    UNION ALL
    SELECT i.inhrelid
    FROM pg_catalog.pg_inherits AS i
    WHERE i.inhparent = s.relation AND c.relkind IN ('r', 'p', 'f')
  ) AS x (relation)
),
found AS (
  SELECT
    s.root,
    s.relation,
    c.relkind,
    pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
    CASE WHEN c.relkind = 'v' OR s.relation = s.root THEN r.ev_action::pg_catalog.text END AS rule
  FROM reads AS s
  JOIN pg_catalog.pg_class AS c ON c.oid = s.relation
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = c.oid AND r.rulename = '_RETURN'
),
server AS (
  SELECT
    CASE WHEN pg_catalog.current_setting('track_counts')::pg_catalog.bool THEN
      pg_catalog.concat_ws(
        ' ',
        pg_catalog.pg_postmaster_start_time(),
        (SELECT b.stats_reset FROM pg_catalog.pg_stat_bgwriter AS b),
        pg_catalog.pg_stat_get_db_stat_reset_time(
          (SELECT d.oid FROM pg_catalog.pg_database AS d
          WHERE d.datname = pg_catalog.current_database())
        )
      )
    END AS token
)
SELECT
  f.root,
  'relation' AS kind,
  f.relation,
  f.name,
  pg_catalog.pg_relation_filenode(f.relation)::pg_catalog.int8 AS filenode,
  pg_catalog.pg_stat_get_tuples_inserted(f.relation)
  + pg_catalog.pg_stat_get_tuples_updated(f.relation)
  + pg_catalog.pg_stat_get_tuples_deleted(f.relation) AS writes,
  NULL::pg_catalog.text AS digest,
  server.token AS server
FROM found AS f
CROSS JOIN server
WHERE f.relkind IN ('r', 'p', 'm', 'S') AND f.relation <> f.root
UNION ALL
SELECT f.root, 'view', f.relation, f.name, NULL, NULL, pg_catalog.md5(f.rule), server.token
FROM found AS f
CROSS JOIN server
WHERE f.rule IS NOT NULL
UNION ALL
SELECT f.root, 'unknown', f.relation, f.name, NULL, NULL, u.reason, server.token
FROM found AS f
CROSS JOIN server
CROSS JOIN LATERAL (
  SELECT 'reads the foreign table ' || f.name WHERE f.relkind = 'f'
  UNION ALL
  SELECT CASE
    WHEN p.provolatile = 'v' THEN 'calls the volatile function '
    WHEN p.oid < 16384 THEN 'depends on when or by whom it is refreshed, by '
    ELSE 'may read anything, by the function '
  END || p.proname
  FROM pg_catalog.regexp_matches(
    f.rule, ':(?:funcid|opfuncid|aggfnoid|winfnoid|tsmhandler) (\d+)', 'g'
  ) AS m (groups)
  JOIN pg_catalog.pg_proc AS p ON p.oid = m.groups[1]::pg_catalog.oid
  WHERE p.provolatile = 'v'
    OR p.provolatile = 's'
    AND (
      p.oid >= 16384
      OR p.proname IN ('now', 'transaction_timestamp', 'statement_timestamp', 'current_setting')
      OR p.proname = 'age' AND p.pronargs = 1
      OR p.proname ~ '^(pg|has|table_to|query_to|schema_to|database_to|txid|inet)_'
    )
  UNION ALL
  SELECT 'depends on when or by whom it is refreshed, by a word like CURRENT_DATE'
  WHERE pg_catalog.strpos(f.rule, '{SQLVALUEFUNCTION') > 0
  UNION ALL
  -- Text that becomes a date or time on reading may be 'now'.
  SELECT 'may depend on when it is refreshed, by text that is read as a time'
  WHERE f.rule ~ '\{COERCEVIAIO .*:resulttype (1082|1083|1114|1184|1266) '
  UNION ALL
  SELECT 'reads a system catalog'
  FROM pg_catalog.regexp_matches(f.rule, ':relid (\d+)', 'g') AS m (groups)
  WHERE m.groups[1]::pg_catalog.oid BETWEEN 1 AND 16383
) AS u (reason)
