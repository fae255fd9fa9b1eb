-- finds: unordered_brin_index.t_at
CREATE TABLE t (at int);
INSERT INTO t SELECT hashint4(n) FROM generate_series(1, 150000) AS n;
CREATE INDEX t_at ON t USING brin (at);
ANALYZE t;
-- good
CREATE TABLE t (at int, tag int);
INSERT INTO t SELECT n, hashint4(n) FROM generate_series(1, 150000) AS n;
CREATE INDEX t_at ON t USING brin (at, tag);
CREATE INDEX t_tag ON t USING brin (tag int4_bloom_ops);
ANALYZE t;
