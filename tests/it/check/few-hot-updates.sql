-- finds: few_hot_updates.t
CREATE TABLE t (id int, at int);
CREATE INDEX ON t (at);
INSERT INTO t SELECT n, n FROM generate_series(1, 50000) AS n;
UPDATE t SET at = at + 1;
UPDATE t SET at = at + 1;
-- good
CREATE TABLE t (id int, at int) WITH (fillfactor = 10);
INSERT INTO t SELECT n, n FROM generate_series(1, 50000) AS n;
UPDATE t SET at = at + 1;
UPDATE t SET at = at + 1;
