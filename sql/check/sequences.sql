-- The sequences of the database, and the columns that they count for.
-- Returns oid, object; least, greatest, starts_at, step, cycles; column_object, column_type: of the column that
-- owns it (serial or identity; NULL where none does).
-- Privilege: none. Cost: pg_sequence and pg_depend once.
SELECT
  q.seqrelid AS oid,
  pg_catalog.format('%I.%I', n.nspname, s.relname) AS object,
  q.seqmin AS least,
  q.seqmax AS greatest,
  q.seqstart AS starts_at,
  q.seqincrement AS step,
  q.seqcycle AS cycles,
  CASE WHEN a.attname IS NOT NULL THEN pg_catalog.format('%I.%I.%I', tn.nspname, t.relname, a.attname) END
    AS column_object,
  pg_catalog.format_type(a.atttypid, NULL) AS column_type
FROM pg_catalog.pg_sequence AS q
JOIN pg_catalog.pg_class AS s ON s.oid = q.seqrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = s.relnamespace
LEFT JOIN pg_catalog.pg_depend AS d
  ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
  AND d.objid = q.seqrelid
  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid
  AND d.refobjsubid > 0
  AND d.deptype IN ('a', 'i')
LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
LEFT JOIN pg_catalog.pg_class AS t ON t.oid = d.refobjid
LEFT JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.relnamespace
WHERE s.relpersistence <> 't'
