-- finds: t_parent_fkey on unindexed_foreign_key.t
CREATE TABLE p (id int PRIMARY KEY);
INSERT INTO p SELECT generate_series(1, 100);
CREATE TABLE t (parent int REFERENCES p);
INSERT INTO t SELECT 1 + n % 50 FROM generate_series(1, 20000) AS n;
ANALYZE t;
DELETE FROM p WHERE id > 90;
-- good
CREATE TABLE p (a int, b int, PRIMARY KEY (a, b));
INSERT INTO p VALUES (1, 1);
CREATE TABLE t (a int, b int, FOREIGN KEY (a, b) REFERENCES p);
CREATE INDEX t_b_a ON t (b, a);
CREATE TABLE u (a int, b int, FOREIGN KEY (a, b) REFERENCES p);
INSERT INTO t SELECT 1, 1 FROM generate_series(1, 20000);
ANALYZE t;
