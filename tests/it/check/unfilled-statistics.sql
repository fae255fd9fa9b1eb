-- from: 15
-- finds: unfilled_statistics.t_both
CREATE TABLE t (a int, b int);
INSERT INTO t SELECT n % 10, n % 10 FROM generate_series(1, 20000) AS n;
ANALYZE t;
CREATE STATISTICS t_both ON a, b FROM t;
-- good
CREATE TABLE t (a int, b int);
INSERT INTO t SELECT n % 10, n FROM generate_series(1, 20000) AS n;
CREATE STATISTICS t_both ON a, b FROM t;
CREATE STATISTICS t_common (mcv) ON a, b FROM t;
CREATE STATISTICS t_sum ON (a + b) FROM t;
ANALYZE t;
CREATE STATISTICS t_unwanted ON a, b FROM t;
ALTER STATISTICS t_unwanted SET STATISTICS 0;
