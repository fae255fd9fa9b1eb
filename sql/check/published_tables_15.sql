-- The published tables whose UPDATE or DELETE fails, because no key says which row it is.
-- Returns object as the server quotes it; publications: those that publish its updates or deletes; updated,
-- deleted: rows since the last reset of the counters.
-- Privilege: none. Cost: the publications with their tables, pg_index of these.
WITH RECURSIVE published (relid, pubname, pubupdate) AS (
  SELECT r.prrelid, p.pubname, p.pubupdate
  FROM pg_catalog.pg_publication AS p
  JOIN pg_catalog.pg_publication_rel AS r ON r.prpubid = p.oid
  WHERE p.pubupdate OR p.pubdelete
  UNION
  SELECT c.oid, p.pubname, p.pubupdate
  FROM pg_catalog.pg_publication AS p
  JOIN pg_catalog.pg_class AS c
    ON p.puballtables
    OR c.relnamespace IN (
      SELECT s.pnnspid FROM pg_catalog.pg_publication_namespace AS s WHERE s.pnpubid = p.oid
    )
  WHERE (p.pubupdate OR p.pubdelete)
    AND c.relkind IN ('r', 'p')
    AND c.relpersistence = 'p'
    AND c.oid >= 16384::pg_catalog.oid
  UNION
  SELECT h.inhrelid, b.pubname, b.pubupdate
  FROM published AS b
  JOIN pg_catalog.pg_class AS c ON c.oid = b.relid AND c.relkind = 'p'
  JOIN pg_catalog.pg_inherits AS h ON h.inhparent = b.relid
)
SELECT
  pg_catalog.format('%I.%I', n.nspname, c.relname) AS object,
  pg_catalog.string_agg(
    pg_catalog.quote_ident(b.pubname::pg_catalog.text), ', ' ORDER BY b.pubname
  ) AS publications,
  pg_catalog.pg_stat_get_tuples_updated(c.oid) AS updated,
  pg_catalog.pg_stat_get_tuples_deleted(c.oid) AS deleted
FROM published AS b
JOIN pg_catalog.pg_class AS c ON c.oid = b.relid AND c.relkind = 'r'
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relreplident = 'n'
  OR c.relreplident = 'd' AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_index AS i
    WHERE i.indrelid = c.oid AND i.indisprimary AND i.indimmediate AND i.indisvalid
  )
  OR c.relreplident = 'i' AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_index AS i
    WHERE i.indrelid = c.oid AND i.indisreplident AND i.indisvalid
  )
GROUP BY c.oid, n.nspname, c.relname
