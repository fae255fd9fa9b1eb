-- The indexes of this database, as REINDEX has to know them.
-- $1: the schemas of the search path in their order.
-- Returns a row for each: oid, schema, name, the table's name and number; is_partitioned: it is one of a partitioned
-- table; parent_oid: the partitioned index that it is part of; is_whole: valid, ready and live; is_live; is_exclusion: of
-- an exclusion constraint; is_deferrable: its uniqueness is checked later; is_temporary; is_system: of the system's
-- own tables or of TOAST; is_visible: the search path finds it; owner of the table; may_reindex: the role may
-- rebuild it; tablespace: NULL for the database's own; pages as of the last VACUUM, ANALYZE or build; shape: what
-- indexes of one table and of one definition have alike.
-- Privilege: none. Cost: pg_index and pg_class once; no size on disk is asked for, which would take locks.
WITH schemas AS MATERIALIZED (
  SELECT
    n.oid,
    n.nspname,
    pg_catalog.array_position($1::pg_catalog.text[], n.nspname::pg_catalog.text) AS place
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
  i.oid,
  n.nspname::pg_catalog.text AS schema,
  i.relname::pg_catalog.text AS name,
  t.relname::pg_catalog.text AS table,
  x.indrelid AS table_oid,
  i.relkind = 'I' AS is_partitioned,
  p.inhparent AS parent_oid,
  x.indisvalid AND x.indisready AND x.indislive AS is_whole,
  x.indislive AS is_live,
  x.indisexclusion AS is_exclusion,
  x.indisunique AND NOT x.indimmediate AS is_deferrable,
  i.relpersistence = 't' AS is_temporary,
  i.oid < 16384::pg_catalog.oid OR n.nspname IN ('pg_catalog', 'pg_toast', 'information_schema')
    AS is_system,
  n.place IS NOT NULL AND (h.place IS NULL OR h.place >= n.place) AS is_visible,
  COALESCE(o.name, t.relowner::pg_catalog.text) AS owner,
  COALESCE(o.is_mine, false)
    OR CASE
      WHEN pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 170000
        THEN pg_catalog.has_table_privilege(t.oid, 'MAINTAIN')
      ELSE false
    END AS may_reindex,
  s.spcname::pg_catalog.text AS tablespace,
  i.relpages::pg_catalog.int8 AS pages,
  pg_catalog.concat_ws(
    '|',
    x.indkey::pg_catalog.text,
    x.indclass::pg_catalog.text,
    x.indcollation::pg_catalog.text,
    x.indoption::pg_catalog.text,
    x.indnkeyatts::pg_catalog.text,
    (x.indexprs IS NULL)::pg_catalog.text,
    (x.indpred IS NULL)::pg_catalog.text
  ) AS shape
FROM pg_catalog.pg_index AS x
JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
JOIN pg_catalog.pg_class AS t ON t.oid = x.indrelid
JOIN schemas AS n ON n.oid = i.relnamespace
LEFT JOIN hiding AS h ON h.name = i.relname
LEFT JOIN owners AS o ON o.oid = t.relowner
LEFT JOIN pg_catalog.pg_inherits AS p ON p.inhrelid = i.oid
LEFT JOIN pg_catalog.pg_tablespace AS s ON s.oid = i.reltablespace
ORDER BY n.nspname, i.relname
