-- finds: never_analyzed.t
CREATE TABLE t (id int);
INSERT INTO t SELECT generate_series(1, 20000);
-- good
CREATE TABLE t (id int);
INSERT INTO t SELECT generate_series(1, 20000);
-- then
ANALYZE t;
