-- finds: mostly_null_index.t_paid
CREATE TABLE t (paid date);
INSERT INTO t SELECT CASE WHEN n % 10 = 0 THEN current_date - n % 1000 END FROM generate_series(1, 150000) AS n;
CREATE INDEX t_paid ON t (paid);
ANALYZE t;
UPDATE pg_class SET relpages = 3000 WHERE oid = 'mostly_null_index.t_paid'::regclass;
-- good
CREATE TABLE t (paid date);
INSERT INTO t SELECT CASE WHEN n % 10 = 0 THEN current_date - n % 1000 END FROM generate_series(1, 150000) AS n;
CREATE INDEX t_paid ON t (paid) WHERE paid IS NOT NULL;
-- then
VACUUM ANALYZE t;
