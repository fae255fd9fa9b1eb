-- What there is to measure now, besides checkpoints.
-- $1: oids of sequences; $2: their last values, in the same order, NULL where one could not be read now;
-- both NULL where none could. Returns a row for each measure: kind; object and object_oid (0: it has
-- none); direction: 1 where the value only grows and -1 where it only falls, until it is reset, 0 where it
-- may do both; by_node: primary and standby count it for themselves; reset_at: when that was reset; value,
-- NULL where it could not be read.
-- *_bytes: pages at the last VACUUM, ANALYZE or build, as bytes (of a table with its TOAST table).
-- *_xid, *_multixact: positions, as a count of all that were ever given out; wal_position,
-- slot_position: bytes since the beginning of WAL. Not returned: what was never vacuumed nor analyzed.
-- Privilege: none. Cost: pg_class once, eight counters for each table, one for each index.
WITH here AS MATERIALIZED (
  SELECT
    d.oid,
    pg_catalog.quote_ident(d.datname) AS name,
    pg_catalog.pg_stat_get_db_stat_reset_time(d.oid) AS reset_at,
    pg_catalog.current_setting('block_size')::pg_catalog.int8 AS block_bytes,
    pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::pg_catalog.text::pg_catalog.int8
      AS next_xid,
    -- There is no function for it; the age of the first one, modulo 2^32, is as good.
    (pg_catalog.mxid_age('1'::pg_catalog.xid)::pg_catalog.int8 + 4294967297) % 4294967296
      AS next_multixact
  FROM pg_catalog.pg_database AS d
  WHERE d.datname = pg_catalog.current_database()
),
relations AS MATERIALIZED (
  SELECT
    c.oid,
    c.relkind,
    pg_catalog.concat(pg_catalog.quote_ident(n.nspname), '.', pg_catalog.quote_ident(c.relname)) AS name,
    c.relpages::pg_catalog.int8 AS pages,
    c.reltoastrelid,
    -- Some releases of 18 have left what is no number of rows.
    CASE
      WHEN c.reltuples >= 0::pg_catalog.float4 AND c.reltuples < 1e15::pg_catalog.float4
        THEN c.reltuples::pg_catalog.int8
    END AS rows
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm', 'i', 'S')
    AND c.relpersistence <> 't'::pg_catalog."char"
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'pgtend')
),
ages AS MATERIALIZED (
  SELECT
    c.oid,
    c.relkind,
    c.relname,
    c.relnamespace,
    h.next_xid - (
      h.next_xid % 4294967296 - c.relfrozenxid::pg_catalog.text::pg_catalog.int8 + 4294967296
    ) % 4294967296 AS frozen_xid,
    h.next_multixact - (
      h.next_multixact - c.relminmxid::pg_catalog.text::pg_catalog.int8 + 4294967296
    ) % 4294967296 AS min_multixact
  FROM pg_catalog.pg_class AS c
  CROSS JOIN here AS h
  WHERE c.relkind IN ('r', 'm', 't')
    AND c.relpersistence <> 't'::pg_catalog."char"
    AND c.relfrozenxid::pg_catalog.text::pg_catalog.int8 >= 3
),
oldest AS MATERIALIZED (
  (SELECT 'table_frozen_xid' AS kind, a.*, a.frozen_xid AS value FROM ages AS a ORDER BY a.frozen_xid, a.oid LIMIT 10)
  UNION ALL
  (SELECT 'table_min_multixact', a.*, a.min_multixact FROM ages AS a ORDER BY a.min_multixact, a.oid LIMIT 10)
)
SELECT v.kind, r.name AS object, r.oid AS object_oid, v.direction, v.by_node, v.reset_at, v.value
FROM relations AS r
CROSS JOIN here AS h
LEFT JOIN pg_catalog.pg_class AS t ON t.oid = r.reltoastrelid
CROSS JOIN LATERAL (
  VALUES
    (
      'table_bytes', 0, false, NULL::pg_catalog.timestamptz,
      CASE
        WHEN r.rows IS NOT NULL
          THEN (r.pages + COALESCE(t.relpages::pg_catalog.int8, 0::pg_catalog.int8)) * h.block_bytes
      END
    ),
    ('table_rows', 0, false, NULL, r.rows),
    ('dead_rows', 0, false, NULL, pg_catalog.pg_stat_get_dead_tuples(r.oid)),
    ('rows_inserted', 1, true, h.reset_at, pg_catalog.pg_stat_get_tuples_inserted(r.oid)),
    ('rows_updated', 1, true, h.reset_at, pg_catalog.pg_stat_get_tuples_updated(r.oid)),
    ('rows_deleted', 1, true, h.reset_at, pg_catalog.pg_stat_get_tuples_deleted(r.oid))
) AS v (kind, direction, by_node, reset_at, value)
WHERE r.relkind IN ('r', 'm') AND v.value IS NOT NULL
UNION ALL
SELECT v.kind, r.name, r.oid, v.direction, v.by_node, v.reset_at, v.value
FROM relations AS r
CROSS JOIN here AS h
CROSS JOIN LATERAL (
  VALUES
    ('index_bytes', 0, false, NULL::pg_catalog.timestamptz, r.pages * h.block_bytes),
    ('index_scans', 1, true, h.reset_at, pg_catalog.pg_stat_get_numscans(r.oid))
) AS v (kind, direction, by_node, reset_at, value)
WHERE r.relkind = 'i'::pg_catalog."char"
UNION ALL
SELECT 'sequence_value', r.name, r.oid, CASE WHEN q.seqincrement < 0 THEN -1 ELSE 1 END,
  false, NULL, s.value
FROM relations AS r
JOIN pg_catalog.pg_sequence AS q ON q.seqrelid = r.oid
LEFT JOIN ROWS FROM (
  pg_catalog.unnest($1::pg_catalog.oid[]),
  pg_catalog.unnest($2::pg_catalog.int8[])
) AS s (oid, value) ON s.oid = r.oid
WHERE s.oid IS NOT NULL OR $1::pg_catalog.oid[] IS NULL
UNION ALL
SELECT 'constraint_not_valid', pg_catalog.concat(pg_catalog.quote_ident(k.conname), ' on ', r.name), k.oid, 0,
  false, NULL, 1::pg_catalog.int8
FROM pg_catalog.pg_constraint AS k
JOIN relations AS r ON r.oid = k.conrelid
WHERE NOT k.convalidated
UNION ALL
-- A TOAST table is told by the name of its table.
SELECT
  a.kind,
  pg_catalog.concat(
    pg_catalog.quote_ident(n.nspname), '.', pg_catalog.quote_ident(COALESCE(o.relname, a.relname))
  ),
  a.oid, 1, false, NULL, a.value
FROM oldest AS a
LEFT JOIN pg_catalog.pg_class AS o
  ON o.reltoastrelid = a.oid AND a.relkind = 't'::pg_catalog."char"
JOIN pg_catalog.pg_namespace AS n ON n.oid = COALESCE(o.relnamespace, a.relnamespace)
UNION ALL
SELECT v.kind, pg_catalog.quote_ident(d.datname), d.oid, 1, false, NULL, v.value
FROM pg_catalog.pg_database AS d
CROSS JOIN here AS h
CROSS JOIN LATERAL (
  VALUES
    (
      'database_frozen_xid',
      h.next_xid - (
        h.next_xid % 4294967296 - d.datfrozenxid::pg_catalog.text::pg_catalog.int8 + 4294967296
      ) % 4294967296
    ),
    (
      'database_min_multixact',
      h.next_multixact - (
        h.next_multixact - d.datminmxid::pg_catalog.text::pg_catalog.int8 + 4294967296
      ) % 4294967296
    )
) AS v (kind, value)
WHERE d.datfrozenxid::pg_catalog.text::pg_catalog.int8 >= 3
UNION ALL
SELECT v.kind, h.name, h.oid, 1, true, h.reset_at, v.value
FROM here AS h
CROSS JOIN LATERAL (
  VALUES
    ('deadlocks', pg_catalog.pg_stat_get_db_deadlocks(h.oid)),
    ('temp_bytes', pg_catalog.pg_stat_get_db_temp_bytes(h.oid)),
    ('sessions', pg_catalog.pg_stat_get_db_sessions(h.oid))
) AS v (kind, value)
UNION ALL
SELECT v.kind, 'server', 0::pg_catalog.oid, 1, false, NULL, v.value
FROM here AS h
CROSS JOIN LATERAL (
  VALUES
    ('next_xid', h.next_xid),
    ('next_multixact', h.next_multixact),
    (
      'wal_position',
      pg_catalog.pg_wal_lsn_diff(
        pg_catalog.pg_current_wal_insert_lsn(), '0/0'::pg_catalog.pg_lsn
      )::pg_catalog.int8
    )
) AS v (kind, value)
UNION ALL
SELECT v.kind, 'server', 0::pg_catalog.oid, 1, true, a.stats_reset, v.value
FROM pg_catalog.pg_stat_archiver AS a
CROSS JOIN LATERAL (
  VALUES ('wal_archived', a.archived_count), ('archive_failures', a.failed_count)
) AS v (kind, value)
UNION ALL
SELECT
  'slot_position', s.slot_name::pg_catalog.text, 0::pg_catalog.oid, 1, false, NULL,
  pg_catalog.pg_wal_lsn_diff(s.restart_lsn, '0/0'::pg_catalog.pg_lsn)::pg_catalog.int8
FROM pg_catalog.pg_replication_slots AS s
WHERE NOT s.temporary AND s.restart_lsn IS NOT NULL
