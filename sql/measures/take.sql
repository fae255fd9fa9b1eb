-- Keeps the measures as far as they have changed since the last snapshot that has any.
-- In braces: readings, the queries of all measures. $1, $2: as there; $3: the snapshot. A measure whose
-- value could not be read stays as it was; one that is not there any more has none. Values that are not
-- those of before, but of another server, of another count or of an object that came back, begin anew.
-- Returns one row: measures, changed.
-- Privilege: SELECT, INSERT and UPDATE on the tables. Cost: the readings, and a row for each change.
WITH r AS MATERIALIZED (
  {readings}
),
here AS MATERIALIZED (
  SELECT
    d.oid AS dbid,
    CASE
      WHEN pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')
        THEN (SELECT c.system_identifier FROM pg_catalog.pg_control_system() AS c)
    END AS system_id,
    pg_catalog.substr(
      pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 1, 8
    ) AS timeline
  FROM pg_catalog.pg_database AS d
  WHERE d.datname = pg_catalog.current_database()
),
last AS MATERIALIZED (
  SELECT p.dbid, p.system_id, p.timeline
  FROM pgtend.snapshot AS p
  WHERE p.measures IS NOT NULL
  ORDER BY p.id DESC
  LIMIT 1
),
-- A copy of a database takes its history along; a standby that is promoted does, too, but has counted for
-- itself.
moved AS MATERIALIZED (
  SELECT
    COALESCE(l.dbid <> h.dbid OR COALESCE(l.system_id <> h.system_id, false), false) AS is_copy,
    COALESCE(l.timeline <> h.timeline, false) AS is_promoted
  FROM here AS h
  LEFT JOIN last AS l ON true
),
-- In one join, because comparing is most of the work.
compared AS MATERIALIZED (
  SELECT
    r.kind,
    r.object,
    r.object_oid,
    r.reset_at,
    r.value,
    k.id AS known,
    CASE
      WHEN k.value IS NULL
        OR e.is_copy
        OR (e.is_promoted AND r.by_node)
        OR k.reset_at IS DISTINCT FROM r.reset_at
        OR (r.direction > 0 AND r.value < k.value)
        OR (r.direction < 0 AND r.value > k.value)
        THEN $3::pg_catalog.int8
      ELSE k.since
    END AS since
  FROM r
  FULL JOIN pgtend.measure AS k
    ON k.kind = r.kind AND k.object_oid = r.object_oid AND k.object = r.object
  CROSS JOIN moved AS e
  WHERE (r.kind IS NULL AND k.value IS NOT NULL)
    OR (
      r.value IS NOT NULL
      AND (
        k.value IS DISTINCT FROM r.value
        OR k.reset_at IS DISTINCT FROM r.reset_at
        OR e.is_copy
        OR (e.is_promoted AND r.by_node)
      )
    )
),
changed AS MATERIALIZED (
  SELECT c.* FROM compared AS c WHERE c.kind IS NOT NULL
),
gone AS MATERIALIZED (
  SELECT c.known AS id FROM compared AS c WHERE c.kind IS NULL
),
marked AS (
  UPDATE pgtend.measure AS k
  SET value = NULL
  FROM gone
  WHERE k.id = gone.id
),
renewed AS (
  UPDATE pgtend.measure AS k
  SET value = c.value, since = c.since, reset_at = c.reset_at
  FROM changed AS c
  WHERE k.id = c.known
),
added AS (
  INSERT INTO pgtend.measure (kind, object, object_oid, reset_at, since, value)
  SELECT c.kind, c.object, c.object_oid, c.reset_at, c.since, c.value
  FROM changed AS c
  WHERE c.known IS NULL
  RETURNING id, kind, object, object_oid
),
kept AS (
  INSERT INTO pgtend.measurement (measure, snapshot, value)
  SELECT COALESCE(c.known, a.id), $3::pg_catalog.int8, c.value
  FROM changed AS c
  LEFT JOIN added AS a
    ON c.known IS NULL
      AND a.kind = c.kind
      AND a.object_oid = c.object_oid
      AND a.object = c.object
  UNION ALL
  SELECT g.id, $3::pg_catalog.int8, NULL
  FROM gone AS g
  -- Only who may write here could have been before us.
  ON CONFLICT DO NOTHING
),
counted AS MATERIALIZED (
  SELECT
    (SELECT pg_catalog.count(*) FROM r WHERE r.value IS NOT NULL) AS measures,
    (SELECT pg_catalog.count(*) FROM changed) + (SELECT pg_catalog.count(*) FROM gone) AS changed
)
UPDATE pgtend.snapshot AS p
SET
  system_id = h.system_id,
  dbid = h.dbid,
  timeline = h.timeline,
  measures = n.measures::pg_catalog.int4,
  measures_changed = n.changed::pg_catalog.int4
FROM here AS h
CROSS JOIN counted AS n
WHERE p.id = $3::pg_catalog.int8
RETURNING n.measures, n.changed
