-- finds: constant_column.t.text
CREATE TABLE t (text text);
INSERT INTO t SELECT repeat('x', 200) FROM generate_series(1, 110000);
ANALYZE t;
UPDATE pg_class SET reltuples = 2000000, relpages = 60000 WHERE oid = 'constant_column.t'::regclass;
-- good
CREATE TABLE t (text text);
INSERT INTO t SELECT 'x' FROM generate_series(1, 110000);
-- then
VACUUM ANALYZE t;
