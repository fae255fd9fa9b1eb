-- How far each sequence has counted, as a JSON array of {oid, value, called}: one row, one column.
-- A sequence counts on through a rollback, so this is what is put back after one.
-- Asked in a session whose search path is a migration's, so that operators are named with their schema, too.
-- Privilege: UPDATE on a sequence; the others are left out. Cost: one page of each sequence.
SELECT
  COALESCE(
    pg_catalog.json_agg(
      pg_catalog.json_build_object(
        'oid', s.oid,
        'value', COALESCE(s.last, s.start),
        'called', s.last IS NOT NULL
      )
    ),
    '[]'::pg_catalog.json
  )::pg_catalog.text AS sequences
FROM (
  SELECT
    q.seqrelid AS oid,
    q.seqstart AS start,
    pg_catalog.pg_sequence_last_value(q.seqrelid::pg_catalog.regclass) AS last
  FROM pg_catalog.pg_sequence AS q
  WHERE pg_catalog.has_sequence_privilege(q.seqrelid, 'UPDATE'::pg_catalog.text)
) AS s
