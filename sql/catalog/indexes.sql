-- The indexes of the given tables.
-- $1: table oids. definition: the whole statement as the server prints it. options_clause: the
-- WITH clause as it stands in the definition, NULL without one. parent_oid: the partitioned index
-- that it is part of. pinned_by: what keeps the index
-- from being dropped on its own (a constraint, a foreign key that refers to it, being part of a
-- partitioned index, replica identity), NULL if nothing does. tablespace: NULL for the database's own;
-- may_use_tablespace: CREATE there. statistics_keys, statistics_targets: the expressions with targets of
-- their own, and these. size_bytes and rows as of the last VACUUM or
-- build (rows -1: not counted).
-- Privilege: none. Cost: index look-ups, one a table, and one pass over pg_constraint.
WITH pins AS (
  SELECT
    k.conindid,
    pg_catalog.min(
      CASE k.contype WHEN 'f' THEN 'foreign key ' ELSE 'constraint ' END || k.conname::pg_catalog.text
    ) AS pin,
    pg_catalog.min(k.conname::pg_catalog.text) FILTER (WHERE k.contype IN ('p', 'u', 'x'))
      AS constraint_name
  FROM pg_catalog.pg_constraint AS k
  WHERE k.conindid <> 0::pg_catalog.oid
  GROUP BY k.conindid
)
SELECT
  i.indexrelid AS oid,
  i.indrelid AS table_oid,
  n.nspname::pg_catalog.text AS schema,
  c.relname::pg_catalog.text AS name,
  pg_catalog.pg_get_indexdef(i.indexrelid) AS definition,
  (
    SELECT ' WITH (' || pg_catalog.string_agg(
      pg_catalog.quote_ident(o.option_name) || '=' || CASE
        WHEN pg_catalog.quote_ident(o.option_value) = o.option_value THEN o.option_value
        ELSE pg_catalog.quote_literal(o.option_value)
      END, ', ' ORDER BY u.ord
    ) || ')'
    FROM pg_catalog.unnest(c.reloptions) WITH ORDINALITY AS u (setting, ord)
    CROSS JOIN LATERAL (
      SELECT
        pg_catalog.split_part(u.setting, '=', 1) AS option_name,
        pg_catalog.substr(u.setting, pg_catalog.strpos(u.setting, '=') + 1) AS option_value
    ) AS o
  ) AS options_clause,
  i.indisunique AS is_unique,
  i.indisvalid AS is_valid,
  i.indisready AS is_ready,
  i.indislive AS is_live,
  p.constraint_name,
  h.inhparent AS parent_oid,
  CASE
    WHEN p.pin IS NOT NULL THEN p.pin
    WHEN h.inhparent IS NOT NULL THEN 'partitioned index ' || h.inhparent::pg_catalog.regclass::pg_catalog.text
    WHEN i.indisreplident THEN 'replica identity'
  END AS pinned_by,
  pg_catalog.obj_description(c.oid, 'pg_class') AS comment,
  (
    SELECT s.spcname::pg_catalog.text
    FROM pg_catalog.pg_tablespace AS s
    WHERE s.oid = c.reltablespace
  ) AS tablespace,
  COALESCE(
    pg_catalog.has_tablespace_privilege(NULLIF(c.reltablespace, 0::pg_catalog.oid), 'CREATE'), true
  ) AS may_use_tablespace,
  i.indisclustered AS is_clustered,
  i.indisreplident AS is_replica_identity,
  -- Only expressions have targets of their own.
  CASE
    WHEN i.indexprs IS NOT NULL THEN ARRAY (
      SELECT pg_catalog.pg_get_indexdef(i.indexrelid, a.attnum::pg_catalog.int4, false)
      FROM pg_catalog.pg_attribute AS a
      WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0
      ORDER BY a.attnum
    )
  END AS statistics_keys,
  CASE
    WHEN i.indexprs IS NOT NULL THEN ARRAY (
      SELECT a.attstattarget::pg_catalog.int4
      FROM pg_catalog.pg_attribute AS a
      WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0
      ORDER BY a.attnum
    )
  END AS statistics_targets,
  c.relpages::pg_catalog.int8 * pg_catalog.current_setting('block_size')::pg_catalog.int8
    AS size_bytes,
  c.reltuples::pg_catalog.int8 AS rows
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pins AS p ON p.conindid = i.indexrelid
LEFT JOIN pg_catalog.pg_inherits AS h ON h.inhrelid = i.indexrelid
WHERE i.indrelid = ANY ($1::pg_catalog.oid[])
ORDER BY i.indrelid, c.relname
