-- The comments on objects of this database and on databases and roles that say what check is not to find.
-- Returns object as the server identifies it, and the comment.
-- Privilege: none. Cost: reads the comments once.
SELECT
  i.identity AS object,
  d.description AS comment
FROM (
  SELECT l.classoid, l.objoid, l.objsubid, l.description
  FROM pg_catalog.pg_description AS l
  WHERE pg_catalog.strpos(l.description, 'pgtend-ignore') > 0
  UNION ALL
  SELECT s.classoid, s.objoid, 0, s.description
  FROM pg_catalog.pg_shdescription AS s
  WHERE pg_catalog.strpos(s.description, 'pgtend-ignore') > 0
) AS d
CROSS JOIN LATERAL pg_catalog.pg_identify_object(d.classoid, d.objoid, d.objsubid) AS i
WHERE i.identity IS NOT NULL
