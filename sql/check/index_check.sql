-- Whether a B-tree is in order and has an entry for each row, by amcheck in its schema.
-- $1: the index's oid. Returns a row; fails with XX001 or XX002 where it is damaged.
-- Privilege: EXECUTE on the function. Cost: reads the whole index and its table, under AccessShareLock.
SELECT {schema}.bt_index_check($1::pg_catalog.oid::pg_catalog.regclass, true)
