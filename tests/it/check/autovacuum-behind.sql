-- finds: autovacuum_behind.t
CREATE TABLE t (id int);
INSERT INTO t SELECT generate_series(1, 50000);
DELETE FROM t;
-- good
CREATE TABLE t (id int);
INSERT INTO t SELECT generate_series(1, 50000);
-- then
VACUUM t;
