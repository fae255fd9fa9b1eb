-- Makes sequences count on from where they once were: $1 is what sequences.sql said then. A sequence
-- that has not counted since stays as it is. Returns how many were put back.
-- Asked in a session whose search path is a migration's, so that operators are named with their schema, too.
-- Privilege: UPDATE on the sequences. Cost: one page of each sequence.
SELECT
  pg_catalog.count(
    pg_catalog.setval(s.oid::pg_catalog.regclass, s.value, s.called)
  ) AS sequences
FROM pg_catalog.json_to_recordset($1::pg_catalog.text::pg_catalog.json)
  AS s (oid pg_catalog.oid, value pg_catalog.int8, called pg_catalog.bool)
JOIN pg_catalog.pg_sequence AS q ON q.seqrelid OPERATOR(pg_catalog.=) s.oid
WHERE pg_catalog.pg_sequence_last_value(q.seqrelid::pg_catalog.regclass)
  IS DISTINCT FROM CASE WHEN s.called THEN s.value END
