-- What VACUUM and ANALYZE have to know of the database's tables.
-- $1: oids of those that are wanted; empty: all; $2: the schemas of the search path in their order.
-- Returns a row for each table, materialized view, partitioned table and foreign table: kind as in pg_class; is_temporary; is_catalog: the system's
-- own; parent_oid: the topmost partitioned table that it is part of; is_visible: the search path finds it; pages and rows as of the last
-- VACUUM or ANALYZE (rows -1: never); ages in transactions; the same of its TOAST table (toast_*);
-- by the statistics: dead rows, rows inserted since the last VACUUM, rows changed since the last
-- ANALYZE, seconds since each was last done by hand or by autovacuum (NULL: not known).
-- has_children: by inheritance or partitions. missing_statistics: extended ones without data.
-- Privilege: none; missing_statistics are only known to who may read the table. Cost: pg_class once,
-- the statistics once; no size on disk is asked for, which would take locks.
--
-- What holds for many tables is looked up once and joined: of 50,000 tables each call that takes 20 us
-- costs a second.
WITH schemas AS MATERIALIZED (
  SELECT
    n.oid,
    n.nspname,
    pg_catalog.array_position($2::pg_catalog.text[], n.nspname::pg_catalog.text) AS place
  FROM pg_catalog.pg_namespace AS n
),
hiding AS MATERIALIZED (
  SELECT c.relname AS name, pg_catalog.min(n.place) AS place
  FROM pg_catalog.pg_class AS c
  JOIN schemas AS n ON n.oid = c.relnamespace
  WHERE n.place < (SELECT pg_catalog.max(s.place) FROM schemas AS s)
  GROUP BY c.relname
),
owners AS MATERIALIZED (
  SELECT
    r.oid,
    r.rolname::pg_catalog.text AS name,
    pg_catalog.pg_has_role(r.oid, 'USAGE') AS is_mine
  FROM pg_catalog.pg_roles AS r
)
SELECT
  c.oid,
  n.nspname::pg_catalog.text AS schema,
  c.relname::pg_catalog.text AS name,
  c.relkind::pg_catalog.text AS kind,
  c.relpersistence = 't' AS is_temporary,
  c.oid < 16384::pg_catalog.oid OR n.nspname IN ('pg_catalog', 'information_schema') AS is_catalog,
  n.place IS NOT NULL AND (h.place IS NULL OR h.place >= n.place) AS is_visible,
  COALESCE(o.name, c.relowner::pg_catalog.text) AS owner,
  COALESCE(o.is_mine, false)
    OR NOT c.relisshared AND (
      SELECT pg_catalog.pg_has_role(d.datdba, 'USAGE')
      FROM pg_catalog.pg_database AS d
      WHERE d.datname = pg_catalog.current_database()
    )
    OR CASE
      WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 170000
        THEN pg_catalog.has_table_privilege(c.oid, 'MAINTAIN')
      ELSE false
    END AS may_maintain,
  CASE WHEN c.relispartition THEN pg_catalog.pg_partition_root(c.oid)::pg_catalog.oid END
    AS parent_oid,
  c.relhassubclass AND EXISTS (
    SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhparent = c.oid
  ) AS has_children,
  c.relpages::pg_catalog.int8 AS pages,
  c.reltuples::pg_catalog.float8 AS rows,
  CASE WHEN c.relfrozenxid <> '0'::pg_catalog.xid THEN pg_catalog.age(c.relfrozenxid) END
    AS frozen_xid_age,
  CASE WHEN c.relminmxid <> '0'::pg_catalog.xid THEN pg_catalog.mxid_age(c.relminmxid) END
    AS min_mxid_age,
  c.reloptions AS options,
  pg_catalog.pg_stat_get_dead_tuples(c.oid) AS dead_rows,
  pg_catalog.pg_stat_get_ins_since_vacuum(c.oid) AS inserted_since_vacuum,
  pg_catalog.pg_stat_get_mod_since_analyze(c.oid) AS changed_since_analyze,
  pg_catalog.pg_stat_get_live_tuples(c.oid) AS live_rows,
  pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - GREATEST(
    pg_catalog.pg_stat_get_last_vacuum_time(c.oid),
    pg_catalog.pg_stat_get_last_autovacuum_time(c.oid)
  )) AS vacuumed_ago_seconds,
  pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - GREATEST(
    pg_catalog.pg_stat_get_last_analyze_time(c.oid),
    pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid)
  )) AS analyzed_ago_seconds,
  COALESCE(e.missing, '{}') AS missing_statistics,
  t.oid AS toast_oid,
  t.relpages::pg_catalog.int8 AS toast_pages,
  t.reltuples::pg_catalog.float8 AS toast_rows,
  pg_catalog.age(t.relfrozenxid) AS toast_frozen_xid_age,
  pg_catalog.mxid_age(t.relminmxid) AS toast_min_mxid_age,
  t.reloptions AS toast_options,
  pg_catalog.pg_stat_get_dead_tuples(t.oid) AS toast_dead_rows,
  pg_catalog.pg_stat_get_ins_since_vacuum(t.oid) AS toast_inserted_since_vacuum
FROM pg_catalog.pg_class AS c
JOIN schemas AS n ON n.oid = c.relnamespace
LEFT JOIN hiding AS h ON h.name = c.relname
LEFT JOIN owners AS o ON o.oid = c.relowner
LEFT JOIN pg_catalog.pg_class AS t ON t.oid = c.reltoastrelid
LEFT JOIN (
  SELECT
    x.stxrelid,
    pg_catalog.array_agg(x.stxname::pg_catalog.text ORDER BY x.stxname) AS missing
  FROM pg_catalog.pg_statistic_ext AS x
  JOIN pg_catalog.pg_namespace AS xn ON xn.oid = x.stxnamespace
  WHERE pg_catalog.has_table_privilege(x.stxrelid, 'SELECT')
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_stats_ext AS d
      WHERE d.statistics_schemaname = xn.nspname
        AND d.statistics_name = x.stxname
        -- Before 15 there is a row from the beginning, with nothing in it.
        AND (
          d.n_distinct IS NOT NULL
          OR d.dependencies IS NOT NULL
          OR d.most_common_vals IS NOT NULL
        )
    )
    AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_stats_ext_exprs AS d
      WHERE d.statistics_schemaname = xn.nspname AND d.statistics_name = x.stxname
    )
  GROUP BY x.stxrelid
) AS e ON e.stxrelid = c.oid
WHERE c.relkind IN ('r', 'm', 'p', 'f')
  AND (pg_catalog.cardinality($1::pg_catalog.oid[]) = 0 OR c.oid = ANY ($1::pg_catalog.oid[]))
