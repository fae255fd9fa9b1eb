-- The indexes of the database, by their definition in the catalog, which says more about two of them than
-- their printed text and costs less.
-- Returns a row for each index on a table that is no system catalog and not temporary: object, name, table_object as
-- the server quotes them; method; the flags of pg_index; key_columns: how many of columns are keys; columns,
-- classes, collations, options: of each key, as numbers in a text; expressions, predicate: NULL without, and
-- also where the table is locked (is_locked); pages and rows as of the last VACUUM or build, of the table too;
-- scans since the last reset; constraint_type: of the constraint that it serves; is_referenced: a
-- foreign key relies on it; parent_oid: of the partitioned index that it is part of; is_worked_on: somebody
-- holds a lock on the table as builds do; is_toast: of a TOAST table.
-- Privilege: none. Cost: pg_index, pg_constraint and the lock table once; expressions are printed, of which
-- there are few.
WITH locks AS MATERIALIZED (
  SELECT
    l.relation,
    pg_catalog.bool_or(l.mode = 'AccessExclusiveLock') AS is_locked,
    pg_catalog.bool_or(
      l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock')
    ) AS is_worked_on
  FROM pg_catalog.pg_locks AS l
  WHERE l.locktype = 'relation'
    AND l.granted
    AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
    AND l.database = (
      SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()
    )
  GROUP BY l.relation
),
constraints AS MATERIALIZED (
  SELECT
    k.conindid,
    pg_catalog.min(k.contype::pg_catalog.text) FILTER (WHERE k.contype IN ('p', 'u', 'x'))
      AS constraint_type,
    pg_catalog.bool_or(k.contype = 'f') AS is_referenced
  FROM pg_catalog.pg_constraint AS k
  WHERE k.conindid <> 0::pg_catalog.oid
  GROUP BY k.conindid
)
SELECT
  i.indexrelid AS oid,
  i.indrelid AS table_oid,
  pg_catalog.format('%I.%I', n.nspname, c.relname) AS object,
  c.relname::pg_catalog.text AS name,
  pg_catalog.format('%I.%I', tn.nspname, t.relname) AS table_object,
  m.amname::pg_catalog.text AS method,
  c.relkind = 'I' AS is_partitioned,
  t.relkind = 't' AS is_toast,
  i.indisunique AS is_unique,
  i.indisprimary AS is_primary,
  i.indisexclusion AS is_exclusion,
  i.indisvalid AS is_valid,
  i.indisready AS is_ready,
  i.indislive AS is_live,
  i.indisclustered AS is_clustered,
  i.indisreplident AS is_replica_identity,
  CASE
    WHEN i.indisunique AND NOT i.indisprimary
      THEN COALESCE((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::pg_catalog.bool, false)
    ELSE false
  END AS are_nulls_equal,
  i.indnkeyatts::pg_catalog.int4 AS key_columns,
  i.indkey::pg_catalog.text AS columns,
  i.indclass::pg_catalog.text AS classes,
  i.indcollation::pg_catalog.text AS collations,
  i.indoption::pg_catalog.text AS options,
  CASE
    WHEN i.indexprs IS NOT NULL AND NOT COALESCE(l.is_locked, false)
      THEN pg_catalog.pg_get_expr(i.indexprs, i.indrelid)
  END AS expressions,
  CASE
    WHEN i.indpred IS NOT NULL AND NOT COALESCE(l.is_locked, false)
      THEN pg_catalog.pg_get_expr(i.indpred, i.indrelid)
  END AS predicate,
  i.indexprs IS NOT NULL AS has_expressions,
  i.indpred IS NOT NULL AS is_partial,
  c.relpages::pg_catalog.int8 AS pages,
  c.reltuples::pg_catalog.float8 AS rows,
  t.relpages::pg_catalog.int8 AS table_pages,
  t.reltuples::pg_catalog.float8 AS table_rows,
  pg_catalog.pg_stat_get_numscans(i.indexrelid) AS scans,
  k.constraint_type,
  COALESCE(k.is_referenced, false) AS is_referenced,
  h.inhparent AS parent_oid,
  COALESCE(l.is_locked, false) AS is_locked,
  COALESCE(l.is_worked_on, false) AS is_worked_on
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
JOIN pg_catalog.pg_am AS m ON m.oid = c.relam
LEFT JOIN constraints AS k ON k.conindid = i.indexrelid
LEFT JOIN locks AS l ON l.relation = i.indrelid
LEFT JOIN pg_catalog.pg_inherits AS h ON h.inhrelid = i.indexrelid
WHERE i.indrelid >= 16384::pg_catalog.oid
  AND c.relpersistence <> 't'
  AND tn.nspname NOT IN ('pg_catalog', 'information_schema')
