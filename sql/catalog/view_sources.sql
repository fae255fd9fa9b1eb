-- What the contents of materialized views are made of, and how far it has been changed.
-- $1: oids of the views. Returns for each view all that it reads, through plain views and down to
-- partitions and children: kind 'relation' with its file, the rows written so far (by the
-- statistics) and a digest of its columns; kind 'view' with a digest of its definition, its owner,
-- its columns and the functions that it calls; and kind 'unknown' with the reason why nobody can tell
-- whether the contents would be the same now. server: changes whenever the statistics may have been
-- set back (a reset, a crash, a restart), NULL when they are not kept. surroundings: a digest of
-- settings by which values are written as text, of enum labels, composite types and text search.
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
      ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid
      AND d.objid = r.oid
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
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
    c.relowner,
    c.relrowsecurity,
    pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
    CASE WHEN c.relkind = 'v' OR s.relation = s.root THEN r.ev_action::pg_catalog.text END AS rule,
    (
      SELECT pg_catalog.md5(pg_catalog.string_agg(
        pg_catalog.concat_ws(
          ' ', a.attname, a.atttypid, a.atttypmod, a.attisdropped,
          CASE WHEN a.attgenerated <> '' THEN (
            SELECT d.adbin::pg_catalog.text FROM pg_catalog.pg_attrdef AS d
            WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum
          ) END
        ),
        ',' ORDER BY a.attnum
      ))
      FROM pg_catalog.pg_attribute AS a
      WHERE a.attrelid = c.oid AND a.attnum > 0
    ) AS columns
  FROM reads AS s
  JOIN pg_catalog.pg_class AS c ON c.oid = s.relation
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_rewrite AS r ON r.ev_class = c.oid AND r.rulename = '_RETURN'
),
calls AS (
  SELECT DISTINCT f.root, f.relation, f.name AS caller, p.oid, v.is_direct
  FROM found AS f
  CROSS JOIN LATERAL pg_catalog.regexp_matches(
    f.rule, ':(?:funcid|opfuncid|aggfnoid|winfnoid|tsmhandler) (\d+)', 'g'
  ) AS m (groups)
  LEFT JOIN pg_catalog.pg_aggregate AS a
    ON a.aggfnoid::pg_catalog.oid = m.groups[1]::pg_catalog.oid
  -- An aggregate is called immutable whatever its parts are.
  CROSS JOIN LATERAL (
    VALUES
      (m.groups[1]::pg_catalog.oid, true),
      (a.aggtransfn::pg_catalog.oid, false),
      (a.aggfinalfn::pg_catalog.oid, false),
      (a.aggcombinefn::pg_catalog.oid, false),
      (a.aggmtransfn::pg_catalog.oid, false),
      (a.aggminvtransfn::pg_catalog.oid, false),
      (a.aggmfinalfn::pg_catalog.oid, false)
  ) AS v (oid, is_direct)
  JOIN pg_catalog.pg_proc AS p ON p.oid = v.oid
),
own_functions AS (
  SELECT
    c.root,
    c.relation,
    pg_catalog.md5(pg_catalog.string_agg(
      pg_catalog.concat_ws(' ', p.oid, p.prosrc, p.probin, p.proconfig), ',' ORDER BY p.oid
    )) AS digest
  FROM calls AS c
  JOIN pg_catalog.pg_proc AS p ON p.oid = c.oid
  WHERE p.oid >= 16384::pg_catalog.oid
  GROUP BY c.root, c.relation
),
server AS (
  SELECT
    CASE WHEN pg_catalog.current_setting('track_counts')::pg_catalog.bool THEN
      pg_catalog.concat_ws(
        ' ',
        EXTRACT(EPOCH FROM pg_catalog.pg_postmaster_start_time()),
        EXTRACT(EPOCH FROM (SELECT b.stats_reset FROM pg_catalog.pg_stat_bgwriter AS b)),
        EXTRACT(EPOCH FROM pg_catalog.pg_stat_get_db_stat_reset_time(
          (SELECT d.oid FROM pg_catalog.pg_database AS d
          WHERE d.datname = pg_catalog.current_database())
        ))
      )
    END AS token,
    pg_catalog.md5(pg_catalog.concat_ws(
      ' ',
      pg_catalog.current_setting('TimeZone'),
      pg_catalog.current_setting('DateStyle'),
      pg_catalog.current_setting('IntervalStyle'),
      pg_catalog.current_setting('extra_float_digits'),
      pg_catalog.current_setting('bytea_output'),
      pg_catalog.current_setting('default_text_search_config'),
      pg_catalog.current_setting('lc_monetary'),
      pg_catalog.current_setting('lc_numeric'),
      pg_catalog.current_setting('lc_time'),
      pg_catalog.current_setting('xmlbinary'),
      (
        SELECT pg_catalog.string_agg(
          pg_catalog.concat_ws(' ', e.enumtypid, e.enumlabel, e.enumsortorder), ','
          ORDER BY e.oid
        )
        FROM pg_catalog.pg_enum AS e
      ),
      (
        SELECT pg_catalog.string_agg(
          pg_catalog.concat_ws(' ', a.attrelid, a.attname, a.atttypid), ','
          ORDER BY a.attrelid, a.attnum
        )
        FROM pg_catalog.pg_class AS t
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = t.oid
        WHERE t.relkind = 'c' AND t.oid >= 16384::pg_catalog.oid
      ),
      (
        SELECT pg_catalog.string_agg(
          pg_catalog.concat_ws(' ', w.mapcfg, w.maptokentype, w.mapseqno, w.mapdict), ','
          ORDER BY w.mapcfg, w.maptokentype, w.mapseqno
        )
        FROM pg_catalog.pg_ts_config_map AS w
      ),
      (
        SELECT pg_catalog.string_agg(
          pg_catalog.concat_ws(' ', y.oid, y.dictinitoption), ',' ORDER BY y.oid
        )
        FROM pg_catalog.pg_ts_dict AS y
      )
    )) AS surroundings
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
  COALESCE(f.columns, '') AS digest,
  server.token AS server,
  server.surroundings
FROM found AS f
CROSS JOIN server
WHERE f.relkind IN ('r', 'p', 'm') AND f.relation <> f.root
UNION ALL
SELECT
  f.root,
  'view',
  f.relation,
  f.name,
  NULL,
  NULL,
  pg_catalog.md5(pg_catalog.concat_ws(' ', f.rule, f.relowner, f.columns, o.digest)),
  server.token,
  server.surroundings
FROM found AS f
CROSS JOIN server
LEFT JOIN own_functions AS o ON o.root = f.root AND o.relation = f.relation
WHERE f.rule IS NOT NULL
UNION ALL
SELECT
  f.root, 'unknown', f.relation, f.name, NULL, NULL, u.reason, server.token, server.surroundings
FROM found AS f
CROSS JOIN server
CROSS JOIN LATERAL (
  SELECT 'reads the foreign table ' || f.name WHERE f.relkind = 'f'
  UNION ALL
  SELECT 'reads the sequence ' || f.name WHERE f.relkind = 'S'
  UNION ALL
  SELECT 'reads ' || f.name || ', whose rows depend on policies' WHERE f.relrowsecurity
  UNION ALL
  SELECT 'depends on when or by whom it is refreshed, by a word like CURRENT_DATE'
  WHERE pg_catalog.strpos(f.rule, '{SQLVALUEFUNCTION') > 0
  UNION ALL
  -- Text that becomes a date or time, or a type of somebody's own, on reading may be 'now'.
  SELECT 'may depend on when it is refreshed, by text that is read as a time or type'
  WHERE f.rule ~ ('\{COERCEVIAIO .*:resulttype (1082|1083|1114|1115|1182|1183|1184|1185|1266|1270'
    || '|3908|3910|3912|4533|4534|4535|[1-9]\d{4,}) ')
    OR pg_catalog.strpos(f.rule, '{TABLEFUNC') > 0
  UNION ALL
  -- What a procedure has committed is counted when it ends.
  SELECT 'may be written to by a CALL or DO that is running'
  WHERE f.relation = f.root
    AND EXISTS (
      SELECT FROM pg_catalog.pg_stat_activity AS a
      WHERE a.datname = pg_catalog.current_database()
        AND a.state <> 'idle'
        AND a.query ~* '^\s*(call|do)\M'
    )
  UNION ALL
  SELECT 'may be written to by roles whose writes are not counted (track_counts)'
  WHERE f.relation = f.root
    AND EXISTS (
      SELECT FROM pg_catalog.pg_db_role_setting AS g
      WHERE pg_catalog.array_to_string(g.setconfig, ' ') ~ '\mtrack_counts=(off|f|n|0)'
    )
  UNION ALL
  SELECT 'reads a system catalog'
  FROM pg_catalog.regexp_matches(f.rule, ':relid (\d+)', 'g') AS m (groups)
  WHERE m.groups[1]::pg_catalog.oid BETWEEN 1::pg_catalog.oid AND 16383::pg_catalog.oid
) AS u (reason)
UNION ALL
SELECT
  c.root,
  'unknown',
  c.relation,
  c.caller,
  NULL,
  NULL,
  CASE
    WHEN p.provolatile = 'v' THEN 'calls the volatile function '
    WHEN p.oid < 16384::pg_catalog.oid THEN 'may depend on when or by whom it is refreshed, by '
    ELSE 'may read anything, by the function '
  END || p.proname::pg_catalog.text,
  server.token,
  server.surroundings
FROM calls AS c
CROSS JOIN server
JOIN pg_catalog.pg_proc AS p ON p.oid = c.oid
WHERE p.provolatile = 'v'
  OR p.provolatile = 's'
  AND (
    p.oid >= 16384::pg_catalog.oid
    -- Of the server's own these depend on nothing but the surroundings.
    OR c.is_direct AND p.proname !~ (
      '^(anytextcat|textanycat|array_to_(json|string)|concat|concat_ws|convert|convert_from|convert_to'
      || '|date|date_(cmp|eq|ge|gt|le|lt|ne)_timestamptz|date_part|date_trunc|enum_(first|last|range)'
      || '|extract|format|generate_series|in_range|interval_pl_timestamptz|jsonb?_(agg|object_agg)'
      || '|jsonb?_build_(array|object)|jsonb?_agg_strict|jsonb?_object_agg_(strict|unique|unique_strict)'
      || '|jsonb_path_.*_tz|length|make_timestamptz|money|numeric|overlaps|quote_(literal|nullable)'
      || '|row_to_json|time|timestamp|timestamptz|timetz|timezone|timestamp_.*_timestamptz'
      || '|timestamptz_.*|to_(char|date|json|jsonb|number|timestamp|tsvector|tsquery)'
      || '|jsonb?_to_tsvector|(phrase|plain|websearch_)to_tsquery)$'
    )
  )
