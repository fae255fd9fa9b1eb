-- What the snapshots know of measures: the value of each at the beginning and at the end of a span.
-- $1: the span until now, in seconds; $2: kinds. Returns a row for each measure that the last snapshot has
-- found, in the order of kind and object: kind, object, object_oid; first_epoch, first_value: in the first
-- snapshot within the span since which there was no reset, NULL where no snapshot is within it;
-- last_epoch, last_value: in the last snapshot; changed_epoch: since when it has had that value, and
-- since_epoch: since when there was no reset, each at the latest. Epochs are seconds since 1970.
-- Privilege: SELECT on the snapshots' tables. Cost: two rows by index for each measure.
WITH taken AS MATERIALIZED (
  SELECT p.id, p.taken_at FROM pgtend.snapshot AS p WHERE p.measures IS NOT NULL
),
bounds AS MATERIALIZED (
  SELECT
    pg_catalog.min(t.id) AS oldest,
    pg_catalog.max(t.id) AS newest,
    pg_catalog.min(t.id) FILTER (
      WHERE t.taken_at >= pg_catalog.now() - pg_catalog.make_interval(secs => $1::pg_catalog.float8)
    ) AS begins
  FROM taken AS t
)
SELECT
  m.kind,
  m.object,
  m.object_oid,
  pg_catalog.date_part('epoch', b.taken_at) AS first_epoch,
  f.value AS first_value,
  pg_catalog.date_part('epoch', e.taken_at) AS last_epoch,
  m.value AS last_value,
  pg_catalog.date_part('epoch', c.taken_at) AS changed_epoch,
  pg_catalog.date_part('epoch', s.taken_at) AS since_epoch
FROM pgtend.measure AS m
CROSS JOIN bounds AS o
JOIN taken AS e ON e.id = o.newest
JOIN taken AS s ON s.id = GREATEST(m.since, o.oldest)
LEFT JOIN taken AS b ON b.id = GREATEST(m.since, o.begins) AND o.begins IS NOT NULL
LEFT JOIN LATERAL (
  SELECT v.value
  FROM pgtend.measurement AS v
  WHERE v.measure = m.id AND v.snapshot <= b.id
  ORDER BY v.snapshot DESC
  LIMIT 1
) AS f ON true
LEFT JOIN LATERAL (
  SELECT v.snapshot
  FROM pgtend.measurement AS v
  WHERE v.measure = m.id AND v.snapshot <= o.newest
  ORDER BY v.snapshot DESC
  LIMIT 1
) AS l ON true
JOIN taken AS c ON c.id = GREATEST(l.snapshot, o.oldest)
WHERE m.value IS NOT NULL AND m.kind = ANY ($2::pg_catalog.text[])
ORDER BY m.kind, m.object, m.object_oid
