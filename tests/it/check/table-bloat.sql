-- finds: table_bloat.t
CREATE TABLE t (id int, text text);
INSERT INTO t SELECT n, 'abc' FROM generate_series(1, 200000) AS n;
-- then
VACUUM ANALYZE t;
-- then
UPDATE pg_class SET relpages = 30000 WHERE oid = 'table_bloat.t'::regclass;
-- good
CREATE TABLE t (id int, text text);
INSERT INTO t SELECT n, 'abc' FROM generate_series(1, 200000) AS n;
-- then
VACUUM ANALYZE t;
