-- finds: index_bloat.t_id
CREATE TABLE t (id bigint);
INSERT INTO t SELECT n FROM generate_series(1, 1000000) AS n;
CREATE UNIQUE INDEX t_id ON t (id);
DELETE FROM t WHERE id % 10 <> 0;
-- then
VACUUM ANALYZE t;
-- good
CREATE TABLE t (id bigint);
INSERT INTO t SELECT n FROM generate_series(1, 600000) AS n;
CREATE UNIQUE INDEX t_id ON t (id);
-- then
VACUUM ANALYZE t;
