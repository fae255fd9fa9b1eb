-- finds: expression_without_statistics.t_lower
CREATE TABLE t (name text);
INSERT INTO t SELECT n::text FROM generate_series(1, 20000) AS n;
ANALYZE t;
CREATE INDEX t_lower ON t (lower(name));
-- good
CREATE TABLE t (name text);
INSERT INTO t SELECT n::text FROM generate_series(1, 20000) AS n;
CREATE INDEX t_lower ON t (lower(name));
ANALYZE t;
