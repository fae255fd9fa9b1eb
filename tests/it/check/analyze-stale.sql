-- finds: analyze_stale.t
CREATE TABLE t (id int);
INSERT INTO t SELECT generate_series(1, 1000);
-- then
ANALYZE t;
-- then
INSERT INTO t SELECT generate_series(1, 50000);
-- good
CREATE TABLE t (id int);
INSERT INTO t SELECT generate_series(1, 50000);
-- then
VACUUM ANALYZE t;
