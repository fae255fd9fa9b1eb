-- Lets other files stand for tables. Only on a twin.
-- $1: oids of tables; $2: the numbers of their files.
UPDATE pg_catalog.pg_class AS c
SET relfilenode = g.filenode
FROM ROWS FROM (
  pg_catalog.unnest($1::pg_catalog.oid[]), pg_catalog.unnest($2::pg_catalog.oid[])
) AS g (oid, filenode)
WHERE c.oid = g.oid
