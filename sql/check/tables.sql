-- The tables of the database, and what was done to them since the last reset of the statistics.
-- Returns a row for each table, materialized view, partitioned table, foreign table and TOAST table that is not
-- temporary: object as the server quotes it; main_object: the table that a TOAST table belongs to; kind as in
-- pg_class; pages, rows (-1: never analyzed) and all_visible_pages as of the last VACUUM or ANALYZE; ages of
-- the oldest unfrozen ids; options; counters; seconds since the last VACUUM and ANALYZE (NULL: not known);
-- has_primary_key; replica_identity as in pg_class; is_extension: belongs to an extension.
-- Privilege: none. Cost: pg_class, pg_index and pg_depend once, the statistics once; no size on disk is asked for.
SELECT
  c.oid,
  pg_catalog.format('%I.%I', n.nspname, c.relname) AS object,
  CASE WHEN m.oid IS NOT NULL THEN pg_catalog.format('%I.%I', mn.nspname, m.relname) END
    AS main_object,
  c.relkind::pg_catalog.text AS kind,
  c.oid < 16384::pg_catalog.oid
    OR n.nspname IN ('pg_catalog', 'information_schema')
    OR c.relkind = 't' AND m.oid < 16384::pg_catalog.oid AS is_catalog,
  c.relpersistence = 'u' AS is_unlogged,
  c.relispartition AS is_partition,
  c.relhassubclass AS has_children,
  e.objid IS NOT NULL AS is_extension,
  c.relpages::pg_catalog.int8 AS pages,
  c.reltuples::pg_catalog.float8 AS rows,
  c.relallvisible::pg_catalog.int8 AS all_visible_pages,
  CASE WHEN c.relfrozenxid <> '0'::pg_catalog.xid THEN pg_catalog.age(c.relfrozenxid) END
    AS xid_age,
  CASE WHEN c.relminmxid <> '0'::pg_catalog.xid THEN pg_catalog.mxid_age(c.relminmxid) END
    AS mxid_age,
  COALESCE(c.reloptions, '{}') AS options,
  pg_catalog.pg_stat_get_tuples_inserted(c.oid) AS inserted,
  pg_catalog.pg_stat_get_tuples_updated(c.oid) AS updated,
  pg_catalog.pg_stat_get_tuples_hot_updated(c.oid) AS hot_updated,
  pg_catalog.pg_stat_get_tuples_deleted(c.oid) AS deleted,
  pg_catalog.pg_stat_get_live_tuples(c.oid) AS live_rows,
  pg_catalog.pg_stat_get_dead_tuples(c.oid) AS dead_rows,
  pg_catalog.pg_stat_get_mod_since_analyze(c.oid) AS changed_since_analyze,
  pg_catalog.pg_stat_get_numscans(c.oid) AS sequential_scans,
  pg_catalog.pg_stat_get_tuples_returned(c.oid) AS sequential_rows,
  pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - GREATEST(
    pg_catalog.pg_stat_get_last_vacuum_time(c.oid),
    pg_catalog.pg_stat_get_last_autovacuum_time(c.oid)
  )) AS vacuumed_seconds,
  pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - GREATEST(
    pg_catalog.pg_stat_get_last_analyze_time(c.oid),
    pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid)
  )) AS analyzed_seconds,
  COALESCE(x.has_primary_key, false) AS has_primary_key,
  COALESCE(x.index_pages, 0::pg_catalog.int8) AS index_pages,
  c.relreplident::pg_catalog.text AS replica_identity
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_class AS m ON m.reltoastrelid = c.oid AND c.relkind = 't'
LEFT JOIN pg_catalog.pg_namespace AS mn ON mn.oid = m.relnamespace
LEFT JOIN (
  SELECT
    i.indrelid,
    pg_catalog.bool_or(i.indisprimary) AS has_primary_key,
    pg_catalog.sum(ic.relpages)::pg_catalog.int8 AS index_pages
  FROM pg_catalog.pg_index AS i
  JOIN pg_catalog.pg_class AS ic ON ic.oid = i.indexrelid
  GROUP BY i.indrelid
) AS x ON x.indrelid = c.oid
LEFT JOIN (
  SELECT DISTINCT d.objid
  FROM pg_catalog.pg_depend AS d
  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AND d.deptype = 'e'
) AS e ON e.objid = COALESCE(m.oid, c.oid)
WHERE c.relkind IN ('r', 'm', 'p', 'f', 't') AND c.relpersistence <> 't'
